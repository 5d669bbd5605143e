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
        var exact = gates.map { $0.map(Double.init) }
        var adam = gates.map { AdamSteps(count: $0.count, rate: training.rate) }
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
            for place in gates.indices {
                // Added in the windows' order, whichever thread has computed them.
                let slopes = gates[place].indices.map { index in
                    lessons.reduce(0) { $0 + Double($1.gradients[place][index]) } / count
                }
                adam[place].step(&exact[place], gradient: slopes)
                gates[place] = exact[place].map { Float($0) }
            }
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
