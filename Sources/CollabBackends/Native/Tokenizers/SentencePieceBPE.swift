import Collab

/// Byte-pair encoding over characters with scores, as SentencePiece trains it for Llama 2, Mistral, Phi-3 and Gemma.
///
/// User-defined tokens are cut out first. In the rest the two neighbours whose joined token has the best score are
/// joined, again and again. A character without a token falls back to tokens of its bytes.
///
/// Such vocabularies write the space as `▁` (U+2581). The table holds real spaces instead, and a literal `▁` in a
/// text counts as one, as it does for SentencePiece.
///
/// Source: T. Kudo, J. Richardson, *SentencePiece*, 2018.
struct SentencePieceBPE: ModelTokenizer {
    let table: TokenTable
    /// The place of each token's score among all scores; 0 is the best.
    let ranks: [UInt32]
    /// Bytes after which a space may lie inside a token.
    let bytesBeforeInnerSpace: [Bool]
    /// Whether a stretch of text at the beginning, or after a special token, gets a space put before it.
    let addsSpacePrefix: Bool
    let specialTokens: SpecialTokenTrie
    let markers: SequenceMarkers
    let endTokens: Set<TokenID>
    let fingerprint: VocabularyFingerprint

    var count: Int { table.count }

    func encode(_ text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] {
        var text = text
        return text.withUTF8 { encode($0, parsingSpecialTokens: parsingSpecialTokens, continues: false) }
    }

    func encode(continuing text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] {
        var text = text
        return text.withUTF8 { encode($0, parsingSpecialTokens: parsingSpecialTokens, continues: true) }
    }

    private func encode(
        _ text: UnsafeBufferPointer<UInt8>,
        parsingSpecialTokens: Bool,
        continues: Bool
    ) -> [TokenID] {
        // First the text with its spaces as the table has them, then the tokens, so that the cache may point at bytes
        // that no longer move.
        var normalised = SpaceNormaliser(capacity: text.count + 16)
        var stretches: [(range: Range<Int>, token: TokenID)] = []
        specialTokens.split(text, includingControl: parsingSpecialTokens) { range in
            let followsSpecial = stretches.last.map { $0.token >= 0 } ?? !continues
            let start = normalised.bytes.count
            normalised.append(text[range], prefixed: addsSpacePrefix && followsSpecial)
            stretches.append((start..<normalised.bytes.count, -1))
        } special: { token in
            stretches.append((0..<0, token))
        }
        var output: [TokenID] = []
        output.reserveCapacity(text.count / 3 + 8)
        var cache = WordCache(textBytes: normalised.bytes.count)
        var merger = SymbolMerger()
        normalised.bytes.withUnsafeBufferPointer { text in
            for stretch in stretches {
                if stretch.token >= 0 {
                    output.append(stretch.token)
                    continue
                }
                var start = stretch.range.lowerBound
                while start < stretch.range.upperBound {
                    let end = endOfWord(from: start, to: stretch.range.upperBound, text)
                    cache.append(start..<end, of: text, to: &output) { output in
                        appendWord(start..<end, of: text, &merger, to: &output)
                    }
                    start = end
                }
            }
        }
        return output
    }

    /// The next place where no token can lie on both sides: before a space that follows something else.
    private func endOfWord(from start: Int, to end: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
        var index = start + 1
        while index < end {
            let previous = text[index - 1]
            if text[index] == UInt8(ascii: " "), previous != UInt8(ascii: " "),
                !bytesBeforeInnerSpace[Int(previous)]
            {
                break
            }
            index += 1
        }
        return index
    }

    private func appendWord(
        _ word: Range<Int>,
        of text: UnsafeBufferPointer<UInt8>,
        _ merger: inout SymbolMerger,
        to output: inout [TokenID]
    ) {
        merger.reset(start: word.lowerBound)
        var index = word.lowerBound
        while index < word.upperBound {
            index += 1
            // Trailing bytes of a character begin with the bits 10.
            while index < word.upperBound, text[index] & 0xC0 == 0x80 { index += 1 }
            merger.append(-1, end: index)
        }
        merger.merge(Rule(table: table, ranks: ranks, text: text))
        for symbol in 0..<merger.tokens.count {
            let range = merger.starts[symbol]..<merger.starts[symbol + 1]
            var token = merger.tokens[symbol]
            if token < 0 { token = table.find(text.baseAddress! + range.lowerBound, count: range.count) }
            if token >= 0 {
                output.append(token)
                continue
            }
            let bytesHaveTokens = range.allSatisfy { table.byteTokens[Int(text[$0])] >= 0 }
            if bytesHaveTokens {
                for index in range { output.append(table.byteTokens[Int(text[index])]) }
            } else if let unknown = markers.unknown {
                output.append(unknown)
            }
        }
    }

    private struct Rule: MergeRule {
        let table: TokenTable
        let ranks: [UInt32]
        let text: UnsafeBufferPointer<UInt8>

        @inline(__always)
        func join(_ left: TokenID, _ right: TokenID, bytes: Range<Int>) -> UInt64 {
            let token = table.find(text.baseAddress! + bytes.lowerBound, count: bytes.count)
            return token < 0 ? .max : UInt64(ranks[Int(token)]) << 32 | UInt64(UInt32(bitPattern: token))
        }
    }

    func bytes(of token: TokenID) -> [UInt8] {
        table.textBytes(of: token)
    }

    func isControl(_ token: TokenID) -> Bool {
        token >= 0 && token < count && table.kinds[Int(token)].isControl
    }

    func specialToken(named name: String) -> TokenID? {
        specialTokens.token(named: name)
    }

    func spelling(of token: TokenID) -> [UInt8] {
        token >= 0 && token < count ? Array(table.strings[Int(token)]) : []
    }
}
