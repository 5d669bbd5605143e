/// Learns who should hear whom by drawing graphs and raising the probability of the edges of good ones (REINFORCE).
///
/// Zhuge et al. 2024, “GPTSwarm”: each edge is there with probability σ(θ), from ½ at first; θ follows the gradient of
/// log P(graph) times how much the graph is better than the mean of earlier ones, by Adam; an edge is kept in the end if
/// its probability is above ½. Their defaults: 100 iterations of four graphs, rate 0.1.
///
/// Deviations: graphs may have cycles, since members speak in rounds; the best graph that was drawn is returned if it was
/// better than the one kept in the end. Evaluations: iterations · batch + 1.
public struct EdgeSampling: Hashable, Sendable, Codable {
    /// How often θ moves.
    public var iterations: Int
    /// How many graphs are drawn for each move.
    public var batch: Int
    /// How far θ moves.
    public var rate: Double
    /// The probability above which an edge is kept.
    public var threshold: Double
    /// The seed of the draws.
    public var seed: UInt64

    /// Makes a way to learn.
    public init(
        iterations: Int = 100,
        batch: Int = 4,
        rate: Double = 0.1,
        threshold: Double = 0.5,
        seed: UInt64 = 0
    ) {
        self.iterations = iterations
        self.batch = batch
        self.rate = rate
        self.threshold = threshold
        self.seed = seed
    }

    /// Learns a topology for so many members.
    ///
    /// Throws what the evaluation throws; ``CollabError/Code/invalidRequest`` for fewer than two members or no draws.
    public func learn(
        for members: Int,
        evaluating evaluate: @escaping TopologyEvaluation
    ) async throws(CollabError) -> LearnedTopology {
        guard members > 1, iterations >= 0, batch >= 1, rate.isFinite else {
            throw CollabError(
                .invalidRequest,
                "A topology is learned for two members or more, from a graph or more at a time; not for \(members) from \(batch)."
            )
        }
        var generator = SeededGenerator(seed: seed)
        var logits = PairMatrix(count: members, repeating: 0)
        var adam = AdamSteps(count: logits.values.count, rate: rate)
        var (sum, drawn) = (0.0, 0)
        var best: (topology: Topology, quality: Double)?
        var history: [Double] = []
        for _ in 0..<iterations {
            var gradient = Array(repeating: 0.0, count: logits.values.count)
            for _ in 0..<batch {
                var edges = Array(repeating: false, count: logits.values.count)
                for pair in logits.pairs { edges[pair] = generator.nextUnit() < sigmoid(logits.values[pair]) }
                let topology = logits.topology { edges[$0] }
                let quality = try await evaluated(topology, by: evaluate)
                if quality > best?.quality ?? -.infinity { best = (topology, quality) }
                let advantage = drawn == 0 ? 0 : quality - sum / Double(drawn)
                (sum, drawn) = (sum + quality, drawn + 1)
                for pair in logits.pairs {
                    // ∂ log P / ∂θ of an edge that is there with probability p: 1 − p if it is, −p if it is not.
                    gradient[pair] +=
                        advantage * ((edges[pair] ? 1 : 0) - sigmoid(logits.values[pair])) / Double(batch)
                }
            }
            adam.step(&logits.values, gradient: gradient.map { -$0 })
            history.append(best?.quality ?? 0)
        }
        let kept = logits.topology { sigmoid(logits.values[$0]) > threshold }
        let quality = try await evaluated(kept, by: evaluate)
        let isBest = quality >= best?.quality ?? -.infinity
        return LearnedTopology(
            topology: isBest ? kept : best?.topology ?? kept,
            quality: isBest ? quality : best?.quality ?? quality,
            history: history,
            evaluations: iterations * batch + 1
        )
    }
}
