/// The bytes of a text literal, with its escapes resolved as Python resolves them.
struct TemplateStringLiteral {
    var bytes: [UInt8] = []

    /// Appends what the escape at the beginning of `source` stands for, and returns its length.
    ///
    /// An escape that means nothing stays as it is, backslash and all.
    mutating func appendEscape(_ source: ArraySlice<UInt8>) -> Int {
        let start = source.startIndex
        guard start + 1 < source.endIndex else {
            bytes.append(source[start])
            return 1
        }
        let kind = source[start + 1]
        switch kind {
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "a"): bytes.append(0x07)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "v"): bytes.append(0x0B)
        case UInt8(ascii: "\n"): break
        case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): bytes.append(kind)
        case UInt8(ascii: "x"):
            return appendNumber(source, digits: 2, radix: 16, from: start + 2, exactly: true)
        case UInt8(ascii: "u"):
            return appendNumber(source, digits: 4, radix: 16, from: start + 2, exactly: true)
        case UInt8(ascii: "U"):
            return appendNumber(source, digits: 8, radix: 16, from: start + 2, exactly: true)
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            return appendNumber(source, digits: 3, radix: 8, from: start + 1, exactly: false)
        default:
            bytes.append(UInt8(ascii: "\\"))
            return 1
        }
        return 2
    }

    private mutating func appendNumber(
        _ source: ArraySlice<UInt8>,
        digits: Int,
        radix: Int,
        from first: Int,
        exactly: Bool
    ) -> Int {
        var value = 0
        var index = first
        while index < source.endIndex, index < first + digits,
            let digit = Character(Unicode.Scalar(source[index])).hexDigitValue, digit < radix
        {
            value = value * radix + digit
            index += 1
        }
        guard !exactly || index == first + digits, value <= 0x10_FFFF,
            let scalar = Unicode.Scalar(UInt32(value))
        else {
            bytes.append(UInt8(ascii: "\\"))
            return 1
        }
        bytes.append(contentsOf: String(Character(scalar)).utf8)
        return index - source.startIndex
    }
}
