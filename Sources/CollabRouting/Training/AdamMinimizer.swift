import Collab

/// A loss that is a mean over examples, as a function of parameters that lie in one array.
protocol BatchObjective {
    /// How many examples there are.
    var exampleCount: Int { get }

    /// The mean loss over some examples; its slope is added to one that is given.
    ///
    /// - Parameters:
    ///   - parameters: where.
    ///   - batch: the places of the examples.
    ///   - slope: as many numbers as there are parameters.
    ///   - generator: for what is drawn by chance while learning; `nil` where the loss is only measured.
    func loss(
        _ parameters: [Float],
        on batch: ArraySlice<Int>,
        slope: inout [Float],
        _ generator: inout SeededGenerator?
    ) -> Double
}

/// How parameters are learned in small steps: Adam (D. Kingma, J. Ba, *Adam: A Method for Stochastic Optimization*,
/// 2015) with β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸, on examples in an order that is drawn anew each time round.
public struct AdamSettings: Hashable, Sendable, Codable {
    /// The length of a step.
    public var rate: Float
    /// How many examples are looked at for a step.
    public var batch: Int
    /// How often all examples are looked at, at most.
    public var epochs: Int
    /// The weight of the squared parameters, whose slope is added to the loss's.
    public var decay: Float
    /// How many times round without a better loss on a tenth of the examples, which are then not learned from, end the
    /// training; the best parameters are kept. `nil`: all examples are learned from, as often as `epochs` says.
    public var patience: Int?

    /// Makes settings.
    public init(rate: Float = 1e-3, batch: Int = 64, epochs: Int = 20, decay: Float = 0, patience: Int? = nil)
    {
        self.rate = rate
        self.batch = batch
        self.epochs = epochs
        self.decay = decay
        self.patience = patience
    }

    func validate(for method: String) throws(CollabError) {
        guard rate > 0, rate.isFinite, batch > 0, epochs > 0, decay >= 0, decay.isFinite, patience ?? 1 > 0
        else {
            throw CollabError(
                .invalidRequest,
                "\(method) needs a rate, a batch, epochs and a patience above 0, and a decay that is not negative."
            )
        }
    }

    /// Goes down from a start; the same seed gives the same parameters.
    func minimize(
        _ objective: some BatchObjective,
        from start: [Float],
        seed: UInt64,
        progress: (Double) -> Void
    ) throws(CollabError) -> [Float] {
        var generator = SeededGenerator(seed: seed ^ 0x5eed_ada3)
        var order = Array(0..<objective.exampleCount).shuffled(using: &generator)
        let isHeld = patience != nil && order.count >= 20
        let held = isHeld ? order.prefix(order.count / 10) : []
        order.removeFirst(held.count)
        var state = AdamState(parameters: start)
        var best = (loss: Double.infinity, parameters: start, epoch: 0)
        for epoch in 0..<epochs {
            order.shuffle(using: &generator)
            for first in stride(from: 0, to: order.count, by: batch) {
                try checkCancellation()
                var slope = [Float](repeating: 0, count: start.count)
                var chance: SeededGenerator? = SeededGenerator(seed: generator.next())
                _ = objective.loss(
                    state.parameters,
                    on: order[first..<min(first + batch, order.count)],
                    slope: &slope,
                    &chance
                )
                state.step(slope, self)
                progress((Double(epoch) + Double(first) / Double(order.count)) / Double(epochs))
            }
            guard let patience, isHeld else { continue }
            var unused = [Float](repeating: 0, count: start.count)
            var never: SeededGenerator?
            let loss = objective.loss(state.parameters, on: held, slope: &unused, &never)
            if loss < best.loss { best = (loss, state.parameters, epoch) }
            if epoch - best.epoch >= patience { break }
        }
        let result = isHeld && best.loss < .infinity ? best.parameters : state.parameters
        guard result.allSatisfy(\.isFinite) else {
            throw CollabError(.notFinite, "Training did not converge; try a rate below \(rate).")
        }
        return result
    }
}

/// Parameters with the running means of their slopes and squared slopes.
private struct AdamState {
    var parameters: [Float]
    private var means: [Float]
    private var squares: [Float]
    private var decayed = (mean: Float(1), square: Float(1))

    init(parameters: [Float]) {
        self.parameters = parameters
        means = [Float](repeating: 0, count: parameters.count)
        squares = means
    }

    mutating func step(_ slope: [Float], _ settings: AdamSettings) {
        decayed = (decayed.mean * 0.9, decayed.square * 0.999)
        let scale = settings.rate / (1 - decayed.mean)
        let correction = 1 / (1 - decayed.square)
        let (decay, count) = (settings.decay, parameters.count)
        slope.withUnsafeBufferPointer { slope in
            parameters.withUnsafeMutableBufferPointer { parameters in
                means.withUnsafeMutableBufferPointer { means in
                    squares.withUnsafeMutableBufferPointer { squares in
                        for place in 0..<count {
                            let value = slope[place] + decay * parameters[place]
                            means[place] = 0.9 * means[place] + 0.1 * value
                            squares[place] = 0.999 * squares[place] + 0.001 * value * value
                            let width = (squares[place] * correction).squareRoot() + 1e-8
                            parameters[place] -= scale * means[place] / width
                        }
                    }
                }
            }
        }
    }
}
