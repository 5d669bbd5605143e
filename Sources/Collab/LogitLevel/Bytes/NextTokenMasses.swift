internal import CollabKernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A next-token distribution in a lexicon's order, whose sums over ranges take few steps.
struct NextTokenMasses: Sendable {
    private static let blockSize = 64

    /// Relative to the sum below.
    private let masses: [Float]
    /// Sums of all blocks in front of each.
    private let blocks: [Double]
    private let scale: Double
    /// The probability that the text ends here.
    let stop: Double
    /// The probability of the tokens that are never written, before the others were divided by what is left.
    let masked: Double

    /// Normalises logits over the tokens that may be written.
    ///
    /// Throws ``CollabError/Code/notFinite``, ``CollabError/Code/nothingToSample``, or
    /// ``CollabError/Code/vocabularyMismatch`` if there are fewer logits than tokens.
    init(_ logits: Logits, _ lexicon: ByteLexicon, name: String) throws(CollabError) {
        guard logits.count >= lexicon.vocabularySize else {
            throw CollabError(
                .vocabularyMismatch,
                "“\(name)” gives \(logits.count) logits for a vocabulary of \(lexicon.vocabularySize) tokens."
            )
        }
        // Rows behind the vocabulary's end are padding.
        let size = lexicon.vocabularySize
        let normalizer = logits.values.withUnsafeBufferPointer {
            Distribution.logSumExp(UnsafeBufferPointer(rebasing: $0[..<size]))
        }
        if normalizer == -.infinity {
            throw CollabError(.nothingToSample, "Every token is masked out (−∞) by “\(name)”.")
        }
        guard normalizer.isFinite else {
            throw CollabError(
                .notFinite,
                "A logit of “\(name)” is NaN or +∞; the model or its weights are broken."
            )
        }
        func mass(_ token: TokenID) -> Double { exp(Double(logits[token]) - normalizer) }
        var (blocks, sum): ([Double], Double) = ([], 0)
        blocks.reserveCapacity(lexicon.tokens.count / Self.blockSize + 2)
        let masses = [Float](unsafeUninitializedCapacity: lexicon.tokens.count) { buffer, count in
            logits.values.withUnsafeBufferPointer { values in
                lexicon.tokens.withUnsafeBufferPointer { tokens in
                    for place in 0..<tokens.count {
                        if place % Self.blockSize == 0 { blocks.append(sum) }
                        let mass = Float(exp(Double(values[Int(tokens[place])]) - normalizer))
                        buffer[place] = mass
                        sum += Double(mass)
                    }
                }
            }
            count = lexicon.tokens.count
        }
        blocks.append(sum)
        let stop = lexicon.stops.reduce(0) { $0 + mass($1) }
        guard sum + stop > 0 else {
            throw CollabError(
                .nothingToSample,
                "“\(name)” gives all probability to control tokens, which are not text."
            )
        }
        self.masses = masses
        self.blocks = blocks
        scale = 1 / (sum + stop)
        self.stop = stop / (sum + stop)
        masked = lexicon.masked.reduce(0) { $0 + mass($1) }
    }

    /// The probability of the token at a place.
    subscript(place: Int) -> Double { Double(masses[place]) * scale }

    /// The probability of the tokens at places.
    func sum(_ range: Range<Int>) -> Double {
        let first = (range.lowerBound + Self.blockSize - 1) / Self.blockSize
        let last = range.upperBound / Self.blockSize
        if first < last {
            let whole = blocks[last] - blocks[first]
            // What is small beside the sums is lost in their difference, and added up again.
            if whole > 1e-9 {
                return
                    (added(range.lowerBound..<first * Self.blockSize) + whole
                    + added(last * Self.blockSize..<range.upperBound)) * scale
            }
        }
        return added(range) * scale
    }

    private func added(_ range: Range<Int>) -> Double {
        masses.withUnsafeBufferPointer { masses in
            var sum = 0.0
            for place in range { sum += Double(masses[place]) }
            return sum
        }
    }
}
