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
        var decoded = ByteStrings()
        decoded.reserve(count: written.count, bytes: written.bytes.count)
        ByteAlphabet.bytes.withUnsafeBufferPointer { alphabet in
            written.bytes.withUnsafeBufferPointer { bytes in
                for id in 0..<written.count {
                    let token = UnsafeBufferPointer(rebasing: bytes[written.range(of: id)])
                    switch kinds[id] {
                    case .normal, .unused, .byte:
                        ByteAlphabet.decode(token, table: alphabet, into: &decoded)
                        decoded.finishString()
                    case .control, .unknown, .userDefined:
                        decoded.append(token)
                    }
                }
            }
        }
        return decoded
    }

    /// Merges as pairs of ids. One that speaks of tokens which are not there can never apply and is left out.
    private static func merges(_ written: ByteStrings, _ table: TokenTable) -> MergeTable {
        var merges = MergeTable(capacityFor: written.count)
        var pair = ByteStrings()
        ByteAlphabet.bytes.withUnsafeBufferPointer { alphabet in
            written.bytes.withUnsafeBufferPointer { bytes in
                for rank in 0..<written.count {
                    let merge = UnsafeBufferPointer(rebasing: bytes[written.range(of: rank)])
                    // The alphabet has no space, so the first one past the start parts the two.
                    guard let space = merge.dropFirst().firstIndex(of: UInt8(ascii: " ")) else { continue }
                    pair.removeAll()
                    ByteAlphabet.decode(
                        UnsafeBufferPointer(rebasing: merge[..<space]),
                        table: alphabet,
                        into: &pair
                    )
                    pair.finishString()
                    let middle = pair.bytes.count
                    ByteAlphabet.decode(
                        UnsafeBufferPointer(rebasing: merge[(space + 1)...]),
                        table: alphabet,
                        into: &pair
                    )
                    pair.finishString()
                    let count = pair.bytes.count
                    guard middle > 0, middle < count else { continue }
                    pair.bytes.withUnsafeBytes { pair in
                        let base = pair.baseAddress!
                        let left = table.find(base, count: middle)
                        let right = table.find(base + middle, count: count - middle)
                        let joined = table.find(base, count: count)
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
