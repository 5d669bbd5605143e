/// A rational number, exact, or, where 128 bits do not suffice, the digits as they were written.
struct ExactNumber: Hashable, Sendable, CustomStringConvertible {
    private enum Value: Hashable {
        case fraction(numerator: Int128, denominator: Int128)
        case digits(String)
    }

    private let value: Value

    /// A reduced fraction; `nil` if the denominator is zero.
    init?(_ numerator: Int128, over denominator: Int128 = 1) {
        guard denominator != 0, denominator != .min, numerator != .min else { return nil }
        let divisor = Self.greatestCommonDivisor(numerator.magnitude, denominator.magnitude)
        let sign: Int128 = denominator < 0 ? -1 : 1
        value = .fraction(
            numerator: sign * (numerator / Int128(divisor)),
            denominator: sign * (denominator / Int128(divisor))
        )
    }

    /// A number in decimal notation.
    init(isNegative: Bool, integer: String, decimals: String) {
        let decimals = String(decimals.reversed().drop { $0 == "0" }.reversed())
        let integer = String(integer.drop { $0 == "0" })
        if decimals.count <= 30,
            let digits = Int128(integer.isEmpty && decimals.isEmpty ? "0" : integer + decimals),
            let scale = Self.power(10, decimals.count),
            let exact = ExactNumber(isNegative ? -digits : digits, over: scale)
        {
            self = exact
        } else {
            let text = (integer.isEmpty ? "0" : integer) + (decimals.isEmpty ? "" : "." + decimals)
            value = .digits((isNegative ? "-" : "") + text)
        }
    }

    /// The sum, or `nil` where it cannot be held.
    func plus(_ other: ExactNumber) -> ExactNumber? {
        guard case .fraction(let a, let b) = value, case .fraction(let c, let d) = other.value else {
            return nil
        }
        let (left, o1) = a.multipliedReportingOverflow(by: d)
        let (right, o2) = c.multipliedReportingOverflow(by: b)
        let (sum, o3) = left.addingReportingOverflow(right)
        let (denominator, o4) = b.multipliedReportingOverflow(by: d)
        return o1 || o2 || o3 || o4 ? nil : ExactNumber(sum, over: denominator)
    }

    /// The product, or `nil` where it cannot be held.
    func times(_ other: ExactNumber) -> ExactNumber? {
        guard case .fraction(let a, let b) = value, case .fraction(let c, let d) = other.value else {
            return nil
        }
        let (numerator, o1) = a.multipliedReportingOverflow(by: c)
        let (denominator, o2) = b.multipliedReportingOverflow(by: d)
        return o1 || o2 ? nil : ExactNumber(numerator, over: denominator)
    }

    /// The quotient, or `nil` where it cannot be held or the divisor is zero.
    func divided(by other: ExactNumber) -> ExactNumber? {
        guard case .fraction(let numerator, let denominator) = other.value,
            let inverse = ExactNumber(denominator, over: numerator)
        else { return nil }
        return times(inverse)
    }

    /// A power with a whole exponent, or `nil` where it cannot be held.
    func raised(to exponent: Int) -> ExactNumber? {
        guard case .fraction(let numerator, let denominator) = value,
            let top = Self.power(numerator, abs(exponent)),
            let bottom = Self.power(denominator, abs(exponent))
        else { return nil }
        return exponent < 0 ? ExactNumber(bottom, over: top) : ExactNumber(top, over: bottom)
    }

    /// Decimal notation where it ends within twelve places, else a fraction.
    var description: String {
        switch value {
        case .digits(let digits): return digits
        case .fraction(let numerator, let denominator):
            if denominator == 1 { return "\(numerator)" }
            for places in 1...12 {
                guard let scale = Self.power(10, places) else { break }
                let (scaled, overflow) = numerator.multipliedReportingOverflow(by: scale)
                guard !overflow, scaled % denominator == 0 else { continue }
                let digits = String((scaled / denominator).magnitude)
                let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
                return "\(numerator < 0 ? "-" : "")\(padded.dropLast(places)).\(padded.suffix(places))"
            }
            return "\(numerator)/\(denominator)"
        }
    }

    static func power(_ base: Int128, _ exponent: Int) -> Int128? {
        guard exponent >= 0, exponent <= 128 else { return nil }
        var result: Int128 = 1
        for _ in 0..<exponent {
            let (product, overflow) = result.multipliedReportingOverflow(by: base)
            if overflow { return nil }
            result = product
        }
        return result
    }

    private static func greatestCommonDivisor(_ first: UInt128, _ second: UInt128) -> UInt128 {
        var (a, b) = (first, second)
        while b != 0 { (a, b) = (b, a % b) }
        return max(a, 1)
    }
}
