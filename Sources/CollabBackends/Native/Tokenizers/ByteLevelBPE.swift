import Collab

/// Byte-pair encoding over bytes, as GPT-2, Llama 3, Qwen and SmolLM use it.
///
/// Special tokens are cut out first, the rest is cut into words by a ``PreTokenizer``, and in each word the pair of
/// neighbours that was merged earliest in training is joined, again and again.
///
/// Source: R. Sennrich et al., *Neural Machine Translation of Rare Words with Subword Units*, 2016.
struct ByteLevelBPE: ModelTokenizer {
    let table: TokenTable
    let merges: MergeTable
    let preTokenizer: PreTokenizer
    /// Whether a word that is a token is taken whole, even where no sequence of merges leads to it (Llama 3).
    let takesWholeWords: Bool
    let specialTokens: SpecialTokenTrie
    let markers: SequenceMarkers
    let endTokens: Set<TokenID>
    let fingerprint: VocabularyFingerprint

    var count: Int { table.count }

    func encode(_ text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] {
        var text = text
        return text.withUTF8 { encode($0, parsingSpecialTokens: parsingSpecialTokens) }
    }

    private func encode(_ text: UnsafeBufferPointer<UInt8>, parsingSpecialTokens: Bool) -> [TokenID] {
        var output: [TokenID] = []
        output.reserveCapacity(text.count / 3 + 8)
        var cache = WordCache(textBytes: text.count)
        var merger = SymbolMerger()
        ScalarClass.ascii.withUnsafeBufferPointer { ascii in
            specialTokens.split(text, includingControl: parsingSpecialTokens) { range in
                let reader = ScalarReader(text: text, end: range.upperBound, ascii: ascii)
                var start = range.lowerBound
                while start < range.upperBound {
                    let end = preTokenizer.endOfWord(from: start, reader)
                    cache.append(start..<end, of: text, to: &output) { output in
                        appendWord(start..<end, of: text, &merger, to: &output)
                    }
                    start = end
                }
            } special: { token in
                output.append(token)
            }
        }
        return output
    }

    private func appendWord(
        _ word: Range<Int>,
        of text: UnsafeBufferPointer<UInt8>,
        _ merger: inout SymbolMerger,
        to output: inout [TokenID]
    ) {
        if takesWholeWords {
            let token = table.find(text.baseAddress! + word.lowerBound, count: word.count)
            if token >= 0 { return output.append(token) }
        }
        merger.reset(start: word.lowerBound)
        table.byteTokens.withUnsafeBufferPointer { byteTokens in
            // A few control characters have no token in some vocabularies. They are dropped: the unknown token of
            // such vocabularies is `<|endoftext|>`, which would end the text.
            for index in word {
                let token = byteTokens[Int(text[index])]
                if token >= 0 { merger.append(token, end: index + 1) }
            }
        }
        merger.merge(Rule(merges: merges))
        output.append(contentsOf: merger.tokens)
    }

    private struct Rule: MergeRule {
        let merges: MergeTable

        @inline(__always)
        func join(_ left: TokenID, _ right: TokenID, bytes: Range<Int>) -> UInt64 {
            merges.result(left, right)
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
