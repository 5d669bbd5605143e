import Collab

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Trains the gates of one adapter.
struct GateTrainer: Sendable {
    /// What a window tells.
    struct Lesson: Sendable {
        /// −Σ log p over the window's tokens but the first.
        var loss: Double
        /// The loss's gradient, gate by gate.
        var gradients: [[Float]]
    }

    let weights: TrainableWeights
    let adapter: GatedAdapter
    /// Of at least two tokens each; at least one.
    let windows: [[TokenID]]
    let training: GateTraining

    /// The gates, in the order of the adapter's modules.
    ///
    /// - Parameter report: told after each step its number, counted from 1, and the loss before it.
    ///
    /// Throws ``Collab/CollabError`` with `notFinite` for a loss that is no number, and `cancelled`.
    func run(_ report: (Int, Double) -> Void) async throws(CollabError) -> [[Float]] {
        var gates = adapter.zeroGates
        var adam = Adam(gates, rate: training.rate)
        var generator = SeededGenerator(seed: training.seed)
        var waiting: [Int] = []
        for step in 1...training.steps {
            try checkCancellation()
            var batch: [[TokenID]] = []
            while batch.count < min(training.batch, windows.count) {
                if waiting.isEmpty { waiting = Array(windows.indices).shuffled(using: &generator) }
                batch.append(windows[waiting.removeLast()])
            }
            let lessons = try await lessons(batch, gates)
            let count = Double(batch.reduce(0) { $0 + $1.count - 1 })
            let loss = lessons.reduce(0) { $0 + $1.loss } / count
            guard loss.isFinite else {
                throw CollabError(.notFinite, "In step \(step) of training gates the loss is \(loss).")
            }
            adam.move(&gates, along: lessons.map(\.gradients), over: count)
            report(step, loss)
        }
        return gates
    }

    /// What each window tells, in their order, whichever thread computes it.
    private func lessons(_ batch: [[TokenID]], _ gates: [[Float]]) async throws(CollabError) -> [Lesson] {
        let threads = min(training.threadCount, batch.count)
        let shares = try await concurrently(Array(0..<threads)) { (thread) async throws(CollabError) in
            try await Background.run { () throws(CollabError) in
                stride(from: thread, to: batch.count, by: threads).map { lesson(batch[$0], gates) }
            }
        }
        return batch.indices.map { shares[$0 % threads][$0 / threads] }
    }

    /// The loss of a window, and its gradient.
    func lesson(_ window: [TokenID], _ gates: [[Float]]) -> Lesson {
        let pass = TransformerGradient(weights, window, under: (adapter, gates))
        let (loss, slopes) = Self.loss(pass.logits, window)
        return Lesson(loss: loss, gradients: pass.backToGates(slopes))
    }

    /// −Σ log p of every token after those before it, and its gradient with respect to the logits.
    static func loss(_ logits: Rows, _ tokens: [TokenID]) -> (value: Double, slopes: Rows) {
        var (value, slopes) = (0.0, Rows(count: logits.count, width: logits.width))
        for row in 0..<logits.count - 1 {
            let range = row * logits.width..<(row + 1) * logits.width
            let largest = logits.values[range].max() ?? 0
            var sum = 0.0
            for place in range {
                slopes.values[place] = expf(logits.values[place] - largest)
                sum += Double(slopes.values[place])
            }
            let factor = Float(1 / sum)
            for place in range { slopes.values[place] *= factor }
            let next = range.lowerBound + Int(tokens[row + 1])
            value += log(sum) + Double(largest) - Double(logits.values[next])
            slopes.values[next] -= 1
        }
        return (value, slopes)
    }
}

/// Steps of about the same length in every number (D. Kingma and J. Ba, *Adam: A Method for Stochastic Optimization*, 2015).
private struct Adam {
    private let rate: Double
    private var means: [[Float]]
    private var squares: [[Float]]
    private var step = 0

    /// - Parameter numbers: what will be moved.
    init(_ numbers: [[Float]], rate: Double) {
        self.rate = rate
        means = numbers.map { [Float](repeating: 0, count: $0.count) }
        squares = means
    }

    /// Moves numbers against the sum of some gradients, which are added in their order and divided by a count.
    mutating func move(_ numbers: inout [[Float]], along gradients: [[[Float]]], over count: Double) {
        step += 1
        let (meanDecay, squareDecay) = (0.9, 0.999)
        let length = rate / (1 - pow(meanDecay, Double(step)))
        let correction = 1 / (1 - pow(squareDecay, Double(step)))
        for place in numbers.indices {
            for index in numbers[place].indices {
                let slope = gradients.reduce(0) { $0 + Double($1[place][index]) } / count
                let mean = meanDecay * Double(means[place][index]) + (1 - meanDecay) * slope
                let square = squareDecay * Double(squares[place][index]) + (1 - squareDecay) * slope * slope
                means[place][index] = Float(mean)
                squares[place][index] = Float(square)
                numbers[place][index] -= Float(length * mean / ((square * correction).squareRoot() + 1e-8))
            }
        }
    }
}
