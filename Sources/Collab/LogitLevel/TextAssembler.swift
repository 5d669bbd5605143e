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

    /// Whether more bytes could make this one well-formed character; else it is replaced at once, as
    /// `String(decoding:as:)` does.
    private static func isBeginning(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let sequence = CharacterPlace.sequence(ledBy: bytes[bytes.startIndex]),
            bytes.count < sequence.count
        else { return false }
        return bytes.count == 1 || sequence.second.contains(bytes[bytes.startIndex + 1])
    }
}
