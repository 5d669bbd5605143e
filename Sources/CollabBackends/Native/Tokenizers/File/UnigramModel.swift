import Collab

/// The most probable cutting of a piece of text into tokens, each with a log-probability of its own.
///
/// With s(t) for the score of token t, best(0) = 0 and best(j) = max over tokens t that end at j of
/// best(j − |t|) + s(t); a character that is no token by itself may be taken as unknown for the worst score less 10.
///
/// Source: T. Kudo, *Subword Regularization*, 2018, §3.2.
struct UnigramModel: WordModel {
    /// The best way to a place.
    struct Node {
        /// The sum of the scores on the way.
        var score = 0.0
        /// Where the last token begins, or −1 if no way leads here.
        var start = -1
        /// The last token, or −1 for an unknown character.
        var token: TokenID = -1
    }

    let trie: ByteTrie
    /// The score of each token.
    let scores: [Double]
    /// The tokens of the 256 bytes, where all that an unknown character needs are there; −1 for none.
    let byteTokens: [TokenID]
    /// What stands for what the vocabulary cannot spell.
    let unknown: TokenID?
    /// The score of an unknown character.
    let unknownScore: Double

    /// How much less an unknown character is worth than the worst token.
    static let unknownPenalty = 10.0

    func append(
        _ word: Range<Int>,
        of text: UnsafeBufferPointer<UInt8>,
        _ scratch: inout WordScratch,
        to output: inout [TokenID]
    ) {
        let count = word.count
        scratch.path.removeAll(keepingCapacity: true)
        scratch.path.append(contentsOf: repeatElement(Node(), count: count + 1))
        scratch.path.withUnsafeMutableBufferPointer { path in
            var place = 0
            while place < count {
                let here = path[place].score
                let width = Self.width(text[word.lowerBound + place], at: place, count)
                var isToken = false
                trie.forEachMatch(text, from: word.lowerBound + place, to: word.upperBound) { token, end in
                    let end = end - word.lowerBound
                    let score = here + scores[Int(token)]
                    if path[end].start < 0 || score > path[end].score {
                        path[end] = Node(score: score, start: place, token: token)
                    }
                    if end - place == width { isToken = true }
                }
                if !isToken {
                    let score = here + unknownScore
                    let end = place + width
                    if path[end].start < 0 || score > path[end].score {
                        path[end] = Node(score: score, start: place, token: -1)
                    }
                }
                place += width
            }
        }
        appendPath(word, of: text, &scratch, to: &output)
    }

    /// How many bytes the character at a place has.
    private static func width(_ lead: UInt8, at place: Int, _ count: Int) -> Int {
        let width = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
        return min(width, count - place)
    }

    /// Walks the best path backwards; neighbouring unknown characters are one unknown text.
    private func appendPath(
        _ word: Range<Int>,
        of text: UnsafeBufferPointer<UInt8>,
        _ scratch: inout WordScratch,
        to output: inout [TokenID]
    ) {
        scratch.tokens.removeAll(keepingCapacity: true)
        var end = word.count
        while end > 0 {
            let node = scratch.path[end]
            if node.token >= 0 {
                scratch.tokens.append(node.token)
                end = node.start
                continue
            }
            var start = node.start
            while start > 0, scratch.path[start].token < 0 { start = scratch.path[start].start }
            let bytes = (word.lowerBound + start)..<(word.lowerBound + end)
            if bytes.allSatisfy({ byteTokens[Int(text[$0])] >= 0 }) {
                for index in bytes.reversed() { scratch.tokens.append(byteTokens[Int(text[index])]) }
            } else if let unknown {
                scratch.tokens.append(unknown)
            }
            end = start
        }
        output.append(contentsOf: scratch.tokens.reversed())
    }
}
