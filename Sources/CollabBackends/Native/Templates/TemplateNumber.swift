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
    static func fixed(_ value: Double, digits: Int) -> String {
        var buffer = [CChar](repeating: 0, count: 512)
        let count = withVaList([Int32(clamping: digits), value]) { arguments in
            vsnprintf(&buffer, buffer.count, "%.*f", arguments)
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
