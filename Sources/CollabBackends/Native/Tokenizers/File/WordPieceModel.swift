import Collab

/// Cuts a word greedily into the longest tokens, as BERT does.
///
/// A word that cannot be spelt to its end, or is longer than a limit, is one unknown token.
///
/// Source: Y. Wu et al., *Google's Neural Machine Translation System*, 2016, §4.1; J. Devlin et al., *BERT*, 2019.
struct WordPieceModel: WordModel {
    /// Tokens that begin a word.
    let beginnings: ByteTrie
    /// Tokens that go on with one, without the prefix that marks them.
    let continuations: ByteTrie
    /// What stands for a word that cannot be spelt.
    let unknown: TokenID
    /// The most characters of a word.
    let longestWord: Int

    func append(
        _ word: Range<Int>,
        of text: UnsafeBufferPointer<UInt8>,
        _ scratch: inout WordScratch,
        to output: inout [TokenID]
    ) {
        if word.count > longestWord {
            let characters = word.reduce(0) { $0 + (text[$1] & 0xC0 == 0x80 ? 0 : 1) }
            if characters > longestWord { return output.append(unknown) }
        }
        let count = output.count
        var start = word.lowerBound
        while start < word.upperBound {
            var best: TokenID = -1
            var end = start
            let trie = start == word.lowerBound ? beginnings : continuations
            trie.forEachMatch(text, from: start, to: word.upperBound) { token, place in
                (best, end) = (token, place)
            }
            if best < 0 {
                output.removeSubrange(count...)
                return output.append(unknown)
            }
            output.append(best)
            start = end
        }
    }
}
