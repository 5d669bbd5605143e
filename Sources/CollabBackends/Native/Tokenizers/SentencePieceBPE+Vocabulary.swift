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
        var bytesBeforeInnerSpace = [Bool](repeating: false, count: 256)
        table = try TokenTable(
            strings: Self.decode(vocabulary.tokens, kinds: vocabulary.kinds, &bytesBeforeInnerSpace),
            kinds: vocabulary.kinds,
            byteTokensAreText: false
        )
        ranks = vocabulary.scores.map(Self.rank)
        self.bytesBeforeInnerSpace = bytesBeforeInnerSpace
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
    ///
    /// On the way it notes after which bytes some token goes on with a space. Almost none do (of Gemma's 262,144
    /// one: `> </`), so text may be cut before its spaces and merging works on words.
    private static func decode(
        _ written: ByteStrings,
        kinds: [TokenKind],
        _ bytesBeforeInnerSpace: inout [Bool]
    ) -> ByteStrings {
        written.rewritten { id, token, output in
            switch kinds[id] {
            case .normal, .unused:
                return replaceSpaceMarks(token, output, &bytesBeforeInnerSpace)
            case .byte:
                guard let byte = byte(token) else { return 0 }
                output.pointee = byte
                return 1
            case .control, .unknown, .userDefined:
                if let start = token.baseAddress { output.update(from: start, count: token.count) }
                return token.count
            }
        }
    }

    private static func replaceSpaceMarks(
        _ token: UnsafeBufferPointer<UInt8>,
        _ output: UnsafeMutablePointer<UInt8>,
        _ bytesBeforeInnerSpace: inout [Bool]
    ) -> Int {
        let space = UInt8(ascii: " ")
        var index = 0
        var count = 0
        while index < token.count {
            let isMark =
                token[index] == 0xE2 && index + 2 < token.count && token[index + 1] == 0x96
                && token[index + 2] == 0x81
            output[count] = isMark ? space : token[index]
            if count > 0, output[count] == space, output[count - 1] != space {
                bytesBeforeInnerSpace[Int(output[count - 1])] = true
            }
            count += 1
            index += isMark ? 3 : 1
        }
        return count
    }

    /// The byte that `<0x0A>` names.
    private static func byte(_ written: UnsafeBufferPointer<UInt8>) -> UInt8? {
        guard written.count == 6, written[0] == UInt8(ascii: "<"), written[5] == UInt8(ascii: ">") else {
            return nil
        }
        return UInt8(String(decoding: written[3..<5], as: UTF8.self), radix: 16)
    }
}
