import Collab

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Adds up the squared gradients of a model's own predictions.
struct FisherSum {
    private let weights: TrainableWeights
    private let checkpoint: any Checkpoint
    private var generator: SeededGenerator
    private var sums: [String: [Float]] = [:]
    private var count = 0

    init(_ weights: TrainableWeights, _ checkpoint: any Checkpoint, seed: UInt64) {
        self.weights = weights
        self.checkpoint = checkpoint
        generator = SeededGenerator(seed: seed)
    }

    /// The mean over the tokens of all texts.
    func run(
        _ texts: [[TokenID]],
        _ report: (Int) -> Void
    ) throws(CollabError) -> [MemoryCheckpoint.Tensor] {
        var sum = self
        for (index, text) in texts.enumerated() {
            try checkCancellation()
            try sum.add(text)
            report(index + 1)
        }
        let factor = 1 / Float(max(1, sum.count))
        return checkpoint.tensors.compactMap { tensor in
            sum.sums[tensor.name].map { values in
                MemoryCheckpoint.Tensor(
                    "fisher/" + tensor.name,
                    shape: tensor.shape,
                    values: values.map { factor * $0 }
                )
            }
        }
    }

    private mutating func add(_ text: [TokenID]) throws(CollabError) {
        guard text.allSatisfy({ $0 >= 0 && Int($0) < weights.configuration.vocabularySize }) else {
            throw CollabError(
                .invalidRequest,
                "A text for statistics has a token that the model does not know."
            )
        }
        let pass = TransformerGradient(weights, text)
        let slopes = Self.slopes(of: pass.logits, &generator)
        guard slopes.values.allSatisfy(\.isFinite) else {
            throw CollabError(
                .notFinite,
                "\(checkpoint.name) predicts what is no number for a text of statistics."
            )
        }
        count += text.count
        var sums = self.sums
        self.sums = [:]
        pass.back(slopes) { place, gradient in
            let stored = place.storedShape.reduce(1, *)
            let start = place.rows.lowerBound * (place.storedShape.count > 1 ? place.storedShape[1] : 1)
            sums[place.name, default: [Float](repeating: 0, count: stored)].withUnsafeMutableBufferPointer {
                sum in
                gradient.withUnsafeBufferPointer { gradient in
                    for index in gradient.indices { sum[start + index] += gradient[index] * gradient[index] }
                }
            }
        }
        self.sums = sums
    }

    /// For every token the gradient of −log p(y) with respect to the logits, y drawn from p: p − 1 at y, p elsewhere.
    static func slopes(of logits: Rows, _ generator: inout SeededGenerator) -> Rows {
        var slopes = logits
        for row in 0..<logits.count {
            let range = row * logits.width..<(row + 1) * logits.width
            let largest = logits.values[range].max() ?? 0
            var sum = 0.0
            for place in range {
                slopes.values[place] = expf(logits.values[place] - largest)
                sum += Double(slopes.values[place])
            }
            let factor = Float(1 / sum)
            let wanted = generator.nextUnit()
            var (reached, drawn) = (0.0, range.upperBound - 1)
            for place in range {
                slopes.values[place] *= factor
                reached += Double(slopes.values[place])
                if reached > wanted, drawn == range.upperBound - 1 { drawn = place }
            }
            slopes.values[drawn] -= 1
        }
        return slopes
    }
}
