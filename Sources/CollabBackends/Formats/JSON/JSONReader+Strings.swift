import Collab

extension JSONReader {
    /// A text in quotes, unescaped.
    mutating func readString() throws(CollabError) -> String {
        try expect(UInt8(ascii: "\""), "text in quotes")
        let begin = position
        var isASCII = true
        while position < count {
            let byte = start[position]
            if byte == UInt8(ascii: "\"") {
                let text = UnsafeBufferPointer(start: start + begin, count: position - begin)
                position += 1
                return isASCII ? String(decoding: text, as: UTF8.self) : try decode(text, at: begin)
            }
            if byte == UInt8(ascii: "\\") { return try readEscapedString(from: begin) }
            if byte < 0x20 { throw error("text with an unescaped control character \(hexadecimal(byte))") }
            if byte >= 0x80 { isASCII = false }
            position += 1
        }
        throw error("text that begins here has no closing quote", at: begin - 1)
    }

    /// Reads on at the first backslash, collecting bytes.
    private mutating func readEscapedString(from begin: Int) throws(CollabError) -> String {
        var text = [UInt8](UnsafeBufferPointer(start: start + begin, count: position - begin))
        while position < count {
            let byte = start[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                return try text.withUnsafeBufferPointer { (bytes) throws(CollabError) in
                    try decode(bytes, at: begin)
                }
            case UInt8(ascii: "\\"): try readEscape(into: &text)
            case ..<0x20:
                throw error("text with an unescaped control character \(hexadecimal(byte))", at: position - 1)
            default: text.append(byte)
            }
        }
        throw error("text that begins here has no closing quote", at: begin - 1)
    }

    /// Reads what follows a backslash.
    private mutating func readEscape(into text: inout [UInt8]) throws(CollabError) {
        guard position < count else { return }
        let escape = start[position]
        position += 1
        switch escape {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(escape)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: Array(String(try readScalar()).utf8))
        default: throw error("no such escape", at: position - 2)
        }
    }

    /// Reads the digits of `\u`, and the second half of a surrogate pair where there is one.
    private mutating func readScalar() throws(CollabError) -> Unicode.Scalar {
        let begin = position - 2
        let first = try readHexDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        if first < 0xDC00, count - position >= 6,
            start[position] == UInt8(ascii: "\\"), start[position + 1] == UInt8(ascii: "u")
        {
            let back = position
            position += 2
            let second = try readHexDigits()
            if (0xDC00..<0xE000).contains(second),
                let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
            {
                return scalar
            }
            // The second escape stands for itself.
            position = back
        }
        guard policy.repairsText else { throw error("half of a surrogate pair", at: begin) }
        return "\u{FFFD}"
    }

    private mutating func readHexDigits() throws(CollabError) -> UInt32 {
        guard count - position >= 4 else { throw error("four hexadecimal digits expected") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            let byte = start[position]
            switch byte {
            case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
            case 0x41...0x46: value = value << 4 | UInt32(byte - 0x41 + 10)
            case 0x61...0x66: value = value << 4 | UInt32(byte - 0x61 + 10)
            default: throw error("a hexadecimal digit expected")
            }
            position += 1
        }
        return value
    }

    private func decode(_ bytes: UnsafeBufferPointer<UInt8>, at begin: Int) throws(CollabError) -> String {
        if policy.repairsText { return String(decoding: bytes, as: UTF8.self) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw error("the text that begins here is not UTF-8", at: begin - 1)
        }
        return text
    }
}
