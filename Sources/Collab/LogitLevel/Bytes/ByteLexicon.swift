/// A vocabulary in the order of its tokens' bytes, in which the tokens that begin alike are neighbours.
///
/// It is a trie without nodes: the tokens that begin with given bytes are a range, and a further byte narrows the
/// range by binary search.
struct ByteLexicon: Sendable {
    /// Which tokens end an answer.
    enum Stops: Hashable, Sendable {
        /// The end tokens; other control tokens are masked out.
        case endTokens
        /// All control tokens.
        case controlTokens
    }

    /// The tokens that begin with some bytes.
    struct Prefix: Hashable, Sendable {
        var range: Range<Int>
        /// How many bytes the tokens share.
        var length: Int
    }

    /// How many ids the vocabulary has.
    let vocabularySize: Int
    /// The tokens that stand for text, in the order of their bytes; equal ones in the order of their ids.
    let tokens: [TokenID]
    /// The tokens that end an answer.
    let stops: [TokenID]
    /// The tokens that are never written.
    let masked: [TokenID]
    /// All tokens' bytes, one after another in the same order, and where each token's begin.
    private let bytes: [UInt8]
    private let offsets: [Int]

    /// Sorts a vocabulary.
    init(_ tokenizer: any Tokenizer, stops: Stops = .endTokens) {
        let (count, endTokens) = (tokenizer.count, tokenizer.endTokens)
        var spellings: [[UInt8]] = []
        var (tokens, ends, masked): ([TokenID], [TokenID], [TokenID]) = ([], [], [])
        for id in 0..<TokenID(count) {
            let isControl = tokenizer.isControl(id)
            if endTokens.contains(id) || (isControl && stops == .controlTokens) {
                ends.append(id)
                continue
            }
            let spelling = isControl ? [] : tokenizer.bytes(of: id)
            if spelling.isEmpty {
                masked.append(id)
            } else {
                tokens.append(id)
                spellings.append(spelling)
            }
        }
        // Nearly all comparisons are decided by the first eight bytes.
        let keys = spellings.map { spelling in
            (0..<8).reduce(UInt64(0)) { $0 << 8 | ($1 < spelling.count ? UInt64(spelling[$1]) : 0) }
        }
        let order = tokens.indices.sorted { left, right in
            if keys[left] != keys[right] { return keys[left] < keys[right] }
            if spellings[left] == spellings[right] { return left < right }
            return spellings[left].lexicographicallyPrecedes(spellings[right])
        }
        vocabularySize = count
        self.tokens = order.map { tokens[$0] }
        self.stops = ends
        self.masked = masked
        var (bytes, offsets): ([UInt8], [Int]) = ([], [0])
        for place in order {
            bytes += spellings[place]
            offsets.append(bytes.count)
        }
        self.bytes = bytes
        self.offsets = offsets
    }

    /// All tokens.
    var root: Prefix { Prefix(range: 0..<tokens.count, length: 0) }

    /// The bytes of the token at a place.
    func bytes(at place: Int) -> ArraySlice<UInt8> { bytes[offsets[place]..<offsets[place + 1]] }

    /// The tokens that consist of the prefix alone; several if different ids stand for the same bytes.
    func complete(_ prefix: Prefix) -> Range<Int> {
        var end = prefix.range.lowerBound
        while end < prefix.range.upperBound, offsets[end + 1] - offsets[end] == prefix.length { end += 1 }
        return prefix.range.lowerBound..<end
    }

    /// The tokens that go on after the prefix.
    func longer(_ prefix: Prefix) -> Range<Int> {
        complete(prefix).upperBound..<prefix.range.upperBound
    }

    /// The tokens that go on with a byte; `nil` if there are none.
    func child(of prefix: Prefix, _ byte: UInt8) -> Prefix? {
        let longer = longer(prefix)
        let lower = firstPlace(in: longer, at: prefix.length) { $0 >= byte }
        let upper = firstPlace(in: lower..<longer.upperBound, at: prefix.length) { $0 > byte }
        return lower < upper ? Prefix(range: lower..<upper, length: prefix.length + 1) : nil
    }

    /// Calls a closure with every byte that tokens go on with, and with these tokens.
    func forEachChild(of prefix: Prefix, _ body: (UInt8, Range<Int>) -> Void) {
        var rest = longer(prefix)
        while let first = rest.first {
            let byte = bytes[offsets[first] + prefix.length]
            let end = firstPlace(in: rest, at: prefix.length) { $0 > byte }
            body(byte, first..<end)
            rest = end..<rest.upperBound
        }
    }

    /// The first token of a range whose byte at a depth fulfils a condition that holds from some place on.
    private func firstPlace(in range: Range<Int>, at depth: Int, where holds: (UInt8) -> Bool) -> Int {
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high {
            let middle = (low + high) / 2
            if holds(bytes[offsets[middle] + depth]) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The fewest tokens that spell some bytes, the longest first where there is a choice; `nil` if none do.
    func spelling(of text: [UInt8]) -> [TokenID]? {
        // From the end, so that each place knows the rest of its way.
        var steps: [(count: Int, place: Int)?] = Array(repeating: nil, count: text.count + 1)
        steps[text.count] = (0, 0)
        for start in text.indices.reversed() {
            var prefix = root
            for end in start..<text.count {
                guard let next = child(of: prefix, text[end]) else { break }
                prefix = next
                guard let rest = steps[end + 1], let place = complete(prefix).first else { continue }
                if rest.count + 1 <= steps[start]?.count ?? .max { steps[start] = (rest.count + 1, place) }
            }
        }
        var (result, start): ([TokenID], Int) = ([], 0)
        while start < text.count {
            guard let step = steps[start] else { return nil }
            result.append(tokens[step.place])
            start += offsets[step.place + 1] - offsets[step.place]
        }
        return result
    }
}

/// The lexicons that a fusion has made so far: each vocabulary is sorted once.
final class ByteLexicons: Sendable {
    private let known = Protected<[VocabularyIdentity: ByteLexicon]>([:])
    private let stops: ByteLexicon.Stops

    init(stops: ByteLexicon.Stops = .endTokens) { self.stops = stops }

    /// The lexicon of a model, or ``CollabError/Code/vocabularyMismatch`` if none of its tokens stands for text.
    func lexicon(of model: some LogitModel) throws(CollabError) -> ByteLexicon {
        let tokenizer = model.tokenizer
        let lexicon = known.withLock { known in
            let identity = VocabularyIdentity(tokenizer)
            if let lexicon = known[identity] { return lexicon }
            let lexicon = ByteLexicon(tokenizer, stops: stops)
            known[identity] = lexicon
            return lexicon
        }
        guard !lexicon.tokens.isEmpty else {
            throw CollabError(
                .vocabularyMismatch,
                "No token of “\(model.name)” stands for text, so it cannot be read byte by byte."
            )
        }
        return lexicon
    }
}
