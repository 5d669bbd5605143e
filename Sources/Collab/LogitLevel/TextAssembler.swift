/// Puts text together from the bytes of tokens, and never shows half a character.
///
/// A character's UTF-8 may lie in several tokens. The assembler holds back a sequence that is still incomplete until
/// its last byte arrives. All the text it returns, joined, is exactly `String(decoding: bytes, as: UTF8.self)` of all
/// the bytes it was given, however they were cut: bytes that are no UTF-8 become U+FFFD.
///
///     var assembler = TextAssembler()
///     for token in tokens { print(assembler.append(tokenizer.bytes(of: token)), terminator: "") }
///     print(assembler.finish())
public struct TextAssembler: Sendable {
    /// Bytes of a character that is still incomplete: at most three.
    public private(set) var pending: [UInt8] = []

    /// Makes an assembler with nothing pending.
    public init() {}

    /// Takes the next bytes and returns the text that is now complete; it may be empty.
    public mutating func append(_ bytes: some Sequence<UInt8>) -> String {
        pending.append(contentsOf: bytes)
        let complete = pending.count - Self.incompleteSuffix(of: pending)
        if complete == 0 { return "" }
        let text = String(decoding: pending[..<complete], as: UTF8.self)
        pending.removeSubrange(..<complete)
        return text
    }

    /// Ends the text: what is still incomplete becomes U+FFFD. The assembler is then as good as new.
    ///
    /// - Parameter isCut: whether the text only ends because it may not be longer; what is incomplete is then left out.
    public mutating func finish(isCut: Bool = false) -> String {
        defer { pending.removeAll() }
        if isCut { return "" }
        return String(decoding: pending, as: UTF8.self)
    }

    /// How many bytes at the end may be the beginning of a character.
    private static func incompleteSuffix(of bytes: [UInt8]) -> Int {
        for length in 1...3 where length <= bytes.count {
            let lead = bytes[bytes.count - length]
            if lead & 0xC0 == 0x80 { continue }
            return isBeginning(bytes.suffix(length)) ? length : 0
        }
        return 0
    }

    /// Whether more bytes could make this one well-formed character.
    ///
    /// The second byte's bounds keep out overlong forms, surrogates, and what lies above U+10FFFF (Unicode 3.9,
    /// table 3-7): such bytes are replaced at once, as `String(decoding:as:)` does.
    private static func isBeginning(_ bytes: ArraySlice<UInt8>) -> Bool {
        let lead = bytes[bytes.startIndex]
        let needed: Int
        let second: ClosedRange<UInt8>
        switch lead {
        case 0xC2...0xDF: (needed, second) = (2, 0x80...0xBF)
        case 0xE0: (needed, second) = (3, 0xA0...0xBF)
        case 0xED: (needed, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (needed, second) = (3, 0x80...0xBF)
        case 0xF0: (needed, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (needed, second) = (4, 0x80...0xBF)
        case 0xF4: (needed, second) = (4, 0x80...0x8F)
        default: return false
        }
        if bytes.count >= needed { return false }
        return bytes.count == 1 || second.contains(bytes[bytes.startIndex + 1])
    }
}
