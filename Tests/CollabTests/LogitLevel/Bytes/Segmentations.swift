@testable import Collab

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The law of a toy model's text by its definition: a sum over every sequence of tokens that covers it.
struct Segmentations {
    let model: ToyModel
    let prompt: [TokenID]

    /// The probabilities of the tokens that may be written, by id; all others are divided among these.
    private func next(_ tokens: [TokenID]) -> [Double] {
        let vocabulary = model.vocabulary
        let weights = model.next(prompt + tokens).enumerated().map { id, logit in
            let isText = !vocabulary.pieces[id].isEmpty || vocabulary.endTokens.contains(TokenID(id))
            return isText ? exp(Double(logit)) : 0
        }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }

    /// P(the text begins with these bytes).
    func probability(ofPrefix text: [UInt8], after tokens: [TokenID] = []) -> Double {
        if text.isEmpty { return 1 }
        var sum = 0.0
        for (id, probability) in next(tokens).enumerated() where probability > 0 {
            let piece = model.vocabulary.pieces[id]
            if piece.isEmpty { continue }
            if piece.starts(with: text) {
                sum += probability
            } else if text.starts(with: piece) {
                let rest = Array(text.dropFirst(piece.count))
                sum += probability * self.probability(ofPrefix: rest, after: tokens + [TokenID(id)])
            }
        }
        return sum
    }

    /// P(the text is these bytes, then ends).
    func probability(ofWhole text: [UInt8], after tokens: [TokenID] = []) -> Double {
        var sum = 0.0
        for (id, probability) in next(tokens).enumerated() where probability > 0 {
            let piece = model.vocabulary.pieces[id]
            if piece.isEmpty {
                if text.isEmpty { sum += probability }
            } else if text.starts(with: piece) {
                let rest = Array(text.dropFirst(piece.count))
                sum += probability * self.probability(ofWhole: rest, after: tokens + [TokenID(id)])
            }
        }
        return sum
    }

    /// The next-byte distribution, the end last.
    func distribution(after text: [UInt8]) -> [Double] {
        let here = probability(ofPrefix: text)
        return (0...255).map { probability(ofPrefix: text + [UInt8($0)]) / here }
            + [probability(ofWhole: text) / here]
    }
}

extension ToyModel {
    /// A model whose distributions depend on all tokens so far, by a hash.
    static func scrambled(_ vocabulary: ToyTokenizer, spread: Double = 3) -> ToyModel {
        ToyModel("scrambled", vocabulary) { tokens in
            var hash: UInt64 = 17
            for token in tokens { hash = hash &* 0x100_0000_01b3 ^ UInt64(token + 1) }
            var generator = SeededGenerator(seed: hash)
            return (0..<vocabulary.count).map { _ in Float(spread * generator.nextUnit()) }
        }
    }
}

extension ToyTokenizer {
    /// Tokens that overlap in many ways, two of them with equal bytes, one without any.
    static let overlapping = ToyTokenizer(
        bytes: ["a", "b", "ab", "ba", "aba", "bb", "c", "a", "abc", "cab"].map { Array($0.utf8) } + [
            [], [0xC3],
        ]
            + [[0xA9]] + [[0xC3, 0xA9, 0x61]]
    )
}
