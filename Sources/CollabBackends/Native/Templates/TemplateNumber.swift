#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Numbers as Python writes and rounds them.
enum TemplateNumber {
    static func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

    /// The shortest digits that read back as the same number.
    static func text(_ value: Double) -> String {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        let magnitude = abs(value)
        // Python turns to exponents from 1e16 on, Swift somewhat earlier.
        if value == value.rounded(), magnitude < 1e16, let whole = Int(exactly: value) {
            return value.sign == .minus && whole == 0 ? "-0.0" : "\(whole).0"
        }
        return value.description
    }

    /// A number with a fixed count of digits after the point, as C prints it.
    ///
    /// - Parameter keepsPoint: the point stands even where no digit comes after it.
    static func fixed(_ value: Double, digits: Int, keepsPoint: Bool = false) -> String {
        printed(value, digits, keepsPoint ? "%#.*f" : "%.*f")
    }

    /// A digit, a point, a count of digits, and the power of ten, as C prints it.
    static func scientific(_ value: Double, digits: Int, keepsPoint: Bool = false) -> String {
        printed(value, digits, keepsPoint ? "%#.*e" : "%.*e")
    }

    /// A count of digits in all, with a power of ten where the number is very great or small, as Python prints it.
    ///
    /// - Parameters:
    ///   - keepsZeros: zeros at the end stay, and so does the point.
    ///   - staysFraction: without a power of ten at least one digit comes after the point.
    static func general(_ value: Double, digits: Int, keepsZeros: Bool, staysFraction: Bool) -> String {
        let count = max(1, digits)
        let text = scientific(value, digits: count - 1)
        let parts = text.utf8.split(separator: UInt8(ascii: "e"))
        guard parts.count == 2, let exponent = Int(Substring(parts[1])) else { return text }
        var mantissa = parts[0].filter { $0 != UInt8(ascii: ".") }
        if !keepsZeros {
            while mantissa.count > 1, mantissa.last == UInt8(ascii: "0") { mantissa.removeLast() }
        }
        let digits = String(decoding: mantissa, as: UTF8.self)
        if exponent < -4 || exponent >= count - (staysFraction ? 1 : 0) {
            let fraction = digits.dropFirst()
            let point = fraction.isEmpty && !keepsZeros ? "" : "."
            return digits.prefix(1) + point + fraction + "e" + Substring(parts[1])
        }
        if exponent < 0 { return "0." + String(repeating: "0", count: -exponent - 1) + digits }
        let whole = digits.prefix(exponent + 1)
        let fraction = digits.dropFirst(exponent + 1)
        let zeros = String(repeating: "0", count: exponent + 1 - whole.utf8.count)
        if fraction.isEmpty { return whole + zeros + (staysFraction ? ".0" : keepsZeros ? "." : "") }
        return whole + "." + fraction
    }

    private static func printed(_ value: Double, _ digits: Int, _ format: String) -> String {
        var buffer = [CChar](repeating: 0, count: max(0, digits) + 512)
        let count = withVaList([Int32(clamping: digits), value]) { arguments in
            vsnprintf(&buffer, buffer.count, format, arguments)
        }
        return String(
            decoding: buffer.prefix(max(0, min(Int(count), buffer.count - 1))).map { UInt8(bitPattern: $0) },
            as: UTF8.self
        )
    }

    /// Rounded to a count of digits after the point, halves to even as Python does.
    static func rounded(_ value: Double, digits: Int, rule: FloatingPointRoundingRule?) -> Double {
        guard value.isFinite, (-300...300).contains(digits) else { return value }
        if let rule {
            let scale = pow(10, Double(digits))
            return (value * scale).rounded(rule) / scale
        }
        if digits >= 0 { return Double(fixed(value, digits: min(digits, 200))) ?? value }
        let scale = pow(10, Double(-digits))
        return (value / scale).rounded(.toNearestOrEven) * scale
    }
}
