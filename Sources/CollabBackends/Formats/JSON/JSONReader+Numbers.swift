import Collab

extension JSONReader {
    /// The longest number that is read; a `Double` needs no more digits to be exact.
    private static let longestNumber = 2048

    /// A number.
    mutating func readNumber() throws(CollabError) -> JSONValue {
        guard let first = peek() else { throw error("a number expected, the end found") }
        if policy.readsNonFiniteNumbers, let value = try readNonFinite(first) { return value }
        let begin = position
        let isNegative = first == UInt8(ascii: "-")
        if isNegative { position += 1 }
        var digits = Digits()
        let whole = scanDigits(into: &digits)
        if whole == 0 {
            position = begin
            throw error("a value expected")
        }
        if whole > 1, start[position - whole] == UInt8(ascii: "0") {
            throw error("a number with a leading zero", at: begin)
        }
        var isWhole = true
        if position < count, start[position] == UInt8(ascii: ".") {
            isWhole = false
            position += 1
            let fraction = scanDigits(into: &digits)
            if fraction == 0 { throw error("a digit expected after the decimal point") }
            digits.exponent -= fraction
        }
        if position < count, start[position] | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            position += 1
            try scanExponent(into: &digits)
        }
        if position - begin > Self.longestNumber {
            throw error("a number of over 2048 characters", at: begin)
        }
        if isWhole, !digits.overflows, let value = digits.integer(isNegative: isNegative) { return value }
        let value = digits.exactDouble(isNegative: isNegative) ?? double(from: begin)
        if !value.isFinite, !policy.readsNonFiniteNumbers {
            throw error("a number beyond the range of 64-bit floating point", at: begin)
        }
        return .double(value)
    }

    /// `NaN`, `Infinity` and `-Infinity`.
    private mutating func readNonFinite(_ first: UInt8) throws(CollabError) -> JSONValue? {
        switch first {
        case UInt8(ascii: "N"):
            try readWord("NaN")
            return .double(.nan)
        case UInt8(ascii: "I"):
            try readWord("Infinity")
            return .double(.infinity)
        case UInt8(ascii: "-") where position + 1 < count && start[position + 1] == UInt8(ascii: "I"):
            try readWord("-Infinity")
            return .double(-.infinity)
        default: return nil
        }
    }

    /// Scans digits and tells how many there were.
    private mutating func scanDigits(into digits: inout Digits) -> Int {
        let begin = position
        while position < count {
            let digit = start[position] &- 0x30
            guard digit < 10 else { break }
            digits.append(digit)
            position += 1
        }
        return position - begin
    }

    private mutating func scanExponent(into digits: inout Digits) throws(CollabError) {
        var isNegative = false
        if position < count, start[position] == UInt8(ascii: "-") || start[position] == UInt8(ascii: "+") {
            isNegative = start[position] == UInt8(ascii: "-")
            position += 1
        }
        var exponent = Digits()
        if scanDigits(into: &exponent) == 0 { throw error("a digit expected in the exponent") }
        // Anything over 10⁶ is out of every range; the slow path sees the text itself.
        let size = exponent.overflows ? 1_000_000 : Int(min(exponent.value, 1_000_000))
        digits.exponent += isNegative ? -size : size
    }

    private func double(from begin: Int) -> Double {
        let text = String(
            decoding: UnsafeBufferPointer(start: start + begin, count: position - begin),
            as: UTF8.self
        )
        return Double(text) ?? .nan
    }
}

/// The decimal digits of a number, as long as they fit 64 bits, and the power of ten that they are scaled by.
private struct Digits {
    var value: UInt64 = 0
    var overflows = false
    var exponent = 0

    mutating func append(_ digit: UInt8) {
        let (scaled, first) = value.multipliedReportingOverflow(by: 10)
        let (sum, second) = scaled.addingReportingOverflow(UInt64(digit))
        if first || second { overflows = true } else { value = sum }
    }

    func integer(isNegative: Bool) -> JSONValue? {
        if !isNegative { return Int64(exactly: value).map { .integer($0) } ?? .unsigned(value) }
        // −0 is not a whole number of any type.
        if value == 0 { return nil }
        if value <= UInt64(Int64.max) { return .integer(-Int64(value)) }
        return value == UInt64(Int64.max) + 1 ? .integer(.min) : nil
    }

    /// The value where one exact product or quotient gives it: both factors are whole `Double`s.
    func exactDouble(isNegative: Bool) -> Double? {
        guard !overflows, value < 1 << 53, (-22...22).contains(exponent) else { return nil }
        let magnitude = Double(value)
        let scaled = exponent < 0 ? magnitude / powersOfTen[-exponent] : magnitude * powersOfTen[exponent]
        return isNegative ? -scaled : scaled
    }
}

/// The powers of ten that a `Double` holds exactly.
private let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19,
    1e20, 1e21, 1e22,
]
