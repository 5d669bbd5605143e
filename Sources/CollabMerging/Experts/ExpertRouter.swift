public import Collab
public import CollabBackends

/// How an untrained mixture chooses experts.
public struct ExpertRouter: Sendable {
    private let make: @Sendable (_ layer: Int, _ experts: Int, _ width: Int) -> [Float]?

    /// The rows of a layer, one an expert, one after another; `nil` if there are none of that size.
    func rows(layer: Int, experts: Int, width: Int) -> [Float]? {
        let rows = make(layer, experts, width)
        return rows?.count == experts * width ? rows : nil
    }

    /// Random rows of small numbers, to be trained.
    public static func random(seed: UInt64) -> ExpertRouter {
        ExpertRouter { layer, experts, width in
            var generator = SeededGenerator(seed: seed &+ UInt64(layer) &* 0x9E37_79B9_7F4A_7C15)
            return (0..<experts * width).map { _ in Float(generator.nextUnit() - 0.5) * 0.04 }
        }
    }

    /// Rows along what the feed-forward blocks of the base see of each expert's texts: the mean of the vectors that enter
    /// them, made equally long, less the mean over all experts, so that what all texts have in common decides nothing.
    ///
    /// - Parameters:
    ///   - base: the model that reads the texts.
    ///   - texts: tokens of texts for each expert.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` for an expert without texts, and what reading them throws.
    public static func texts(
        _ texts: [[[TokenID]]],
        readBy base: NativeModel
    ) async throws(CollabError) -> ExpertRouter {
        var means: [[[Float]]] = []
        for (expert, texts) in texts.enumerated() {
            guard !texts.allSatisfy(\.isEmpty) else {
                throw CollabError(.invalidRequest, "Expert \(expert) has no texts to be chosen by.")
            }
            means.append(try await base.meanFeedForwardInputs(texts.filter { !$0.isEmpty }))
        }
        let found = means
        return ExpertRouter { layer, experts, width in
            guard found.count == experts,
                found.allSatisfy({ $0.indices.contains(layer) && $0[layer].count == width })
            else { return nil }
            let rows = found.map { unit($0[layer]) }
            return rows.flatMap { row in
                row.indices.map { place in
                    row[place] - rows.reduce(0) { $0 + $1[place] } / Float(experts)
                }
            }
        }
    }
}

/// A vector of length 1, or of 0.
private func unit(_ vector: [Float]) -> [Float] {
    let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return length == 0 ? vector : vector.map { $0 / length }
}
