import Collab

extension ByteLevelBPE {
    /// Makes the tokenizer from a vocabulary as a file writes it.
    init(
        _ vocabulary: WrittenVocabulary,
        preTokenizer: PreTokenizer,
        takesWholeWords: Bool
    ) throws(CollabError) {
        var vocabulary = vocabulary
        endTokens = try vocabulary.settleEndTokens()
        table = try TokenTable(
            strings: Self.decode(vocabulary.tokens, kinds: vocabulary.kinds),
            kinds: vocabulary.kinds,
            byteTokensAreText: true
        )
        merges = Self.merges(vocabulary.merges, table)
        self.preTokenizer = preTokenizer
        self.takesWholeWords = takesWholeWords
        specialTokens = SpecialTokenTrie(table)
        markers = vocabulary.markers
        fingerprint = table.makeFingerprint()
    }

    /// The bytes of tokens that are written in the ``ByteAlphabet``; special tokens are written as they are.
    private static func decode(_ written: ByteStrings, kinds: [TokenKind]) -> ByteStrings {
        ByteAlphabet.bytes.withUnsafeBufferPointer { alphabet in
            written.rewritten { id, token, output in
                switch kinds[id] {
                case .normal, .unused, .byte:
                    return ByteAlphabet.decode(token, table: alphabet, to: output)
                case .control, .unknown, .userDefined:
                    if let start = token.baseAddress { output.update(from: start, count: token.count) }
                    return token.count
                }
            }
        }
    }

    /// Merges as pairs of ids. One that speaks of tokens which are not there can never apply and is left out.
    private static func merges(_ written: ByteStrings, _ table: TokenTable) -> MergeTable {
        var merges = MergeTable(capacityFor: written.count)
        var pair = [UInt8](repeating: 0, count: 64)
        ByteAlphabet.bytes.withUnsafeBufferPointer { alphabet in
            written.bytes.withUnsafeBufferPointer { bytes in
                for rank in 0..<written.count {
                    let merge = UnsafeBufferPointer(rebasing: bytes[written.range(of: rank)])
                    // The alphabet has no space, so the first one past the start parts the two.
                    var space = 1
                    while space < merge.count, merge[space] != UInt8(ascii: " ") { space += 1 }
                    if space >= merge.count { continue }
                    let first = UnsafeBufferPointer(rebasing: merge[..<space])
                    let second = UnsafeBufferPointer(rebasing: merge[(space + 1)...])
                    if pair.count < merge.count { pair = [UInt8](repeating: 0, count: 2 * merge.count) }
                    pair.withUnsafeMutableBufferPointer { pair in
                        let base = pair.baseAddress!
                        let middle = ByteAlphabet.decode(first, table: alphabet, to: base)
                        let rest = ByteAlphabet.decode(second, table: alphabet, to: base + middle)
                        guard middle > 0, rest > 0 else { return }
                        let left = table.find(base, count: middle)
                        let right = table.find(base + middle, count: rest)
                        let joined = table.find(base, count: middle + rest)
                        if left >= 0, right >= 0, joined >= 0 {
                            merges.insert(left, right, rank: rank, joined: joined)
                        }
                    }
                }
            }
        }
        return merges
    }
}
