import Collab

extension SentencePieceBPE {
    /// Makes the tokenizer from a vocabulary as a file writes it.
    init(_ vocabulary: WrittenVocabulary, addsSpacePrefix: Bool) throws(CollabError) {
        var vocabulary = vocabulary
        endTokens = try vocabulary.settleEndTokens()
        guard vocabulary.scores.count == vocabulary.tokens.count else {
            throw CollabError(
                .malformedFile,
                "The vocabulary lists \(vocabulary.tokens.count) tokens but \(vocabulary.scores.count) scores; the "
                    + "file is damaged."
            )
        }
        table = try TokenTable(
            strings: Self.decode(vocabulary.tokens, kinds: vocabulary.kinds),
            kinds: vocabulary.kinds,
            byteTokensAreText: false
        )
        ranks = vocabulary.scores.map(Self.rank)
        bytesBeforeInnerSpace = Self.bytesBeforeInnerSpace(table)
        self.addsSpacePrefix = addsSpacePrefix
        specialTokens = SpecialTokenTrie(table)
        markers = vocabulary.markers
        fingerprint = table.makeFingerprint()
    }

    /// A number that orders as scores do, the best score first.
    private static func rank(_ score: Float) -> UInt32 {
        let bits = score.bitPattern
        let ascending = bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
        return ~ascending
    }

    /// The bytes of tokens: `▁` is a space, `<0x0A>` is a byte, special tokens are written as they are.
    private static func decode(_ written: ByteStrings, kinds: [TokenKind]) -> ByteStrings {
        var decoded = ByteStrings()
        decoded.reserve(count: written.count, bytes: written.bytes.count)
        written.bytes.withUnsafeBufferPointer { bytes in
            for id in 0..<written.count {
                let range = written.range(of: id)
                switch kinds[id] {
                case .normal, .unused:
                    var index = range.lowerBound
                    while index < range.upperBound {
                        if bytes[index] == 0xE2, index + 2 < range.upperBound, bytes[index + 1] == 0x96,
                            bytes[index + 2] == 0x81
                        {
                            decoded.write(UInt8(ascii: " "))
                            index += 3
                        } else {
                            decoded.write(bytes[index])
                            index += 1
                        }
                    }
                    decoded.finishString()
                case .byte:
                    if let byte = byte(UnsafeBufferPointer(rebasing: bytes[range])) { decoded.write(byte) }
                    decoded.finishString()
                case .control, .unknown, .userDefined:
                    decoded.append(UnsafeBufferPointer(rebasing: bytes[range]))
                }
            }
        }
        return decoded
    }

    /// The byte that `<0x0A>` names.
    private static func byte(_ written: UnsafeBufferPointer<UInt8>) -> UInt8? {
        guard written.count == 6, written[0] == UInt8(ascii: "<"), written[5] == UInt8(ascii: ">") else {
            return nil
        }
        return UInt8(String(decoding: written[3..<5], as: UTF8.self), radix: 16)
    }

    /// The bytes after which some token goes on with a space.
    ///
    /// Almost no token has a space after its beginning (of Gemma's 262,144 one has: `> </`), so text may be cut
    /// before its spaces, and merging works on words.
    private static func bytesBeforeInnerSpace(_ table: TokenTable) -> [Bool] {
        var found = [Bool](repeating: false, count: 256)
        let space = UInt8(ascii: " ")
        table.strings.bytes.withUnsafeBufferPointer { bytes in
            for id in 0..<table.count where table.kinds[id].isReachableByMerging {
                let range = table.strings.range(of: id)
                if range.count < 2 { continue }
                for index in (range.lowerBound + 1)..<range.upperBound
                where bytes[index] == space && bytes[index - 1] != space {
                    found[Int(bytes[index - 1])] = true
                }
            }
        }
        return found
    }
}
