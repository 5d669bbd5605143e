public import Collab

/// Learns a network by Adam from scores; see ``PerceptronEstimator``.
///
/// The loss of a known score y is BCE(y, σ(s)), or ½ (y − s)² without the logistic function; it is a mean over the
/// questions, and summed over the models that were scored.
public struct PerceptronTraining: RouterTraining {
    /// How many numbers each hidden layer has.
    public var hidden: [Int]
    /// Whether scores are learned as probabilities.
    public var isLogistic: Bool
    /// How the steps are made.
    public var steps: AdamSettings

    /// Makes a training.
    public init(
        hidden: [Int] = [64],
        isLogistic: Bool = true,
        steps: AdamSettings = AdamSettings(epochs: 100, decay: 1e-4, patience: 5)
    ) {
        self.hidden = hidden
        self.isLogistic = isLogistic
        self.steps = steps
    }

    /// What the method and its settings are.
    public var name: String { "perceptron of \(hidden.map(String.init).joined(separator: ", "))" }

    /// Learns.
    public func train(
        on set: TrainingSet,
        seed: UInt64,
        progress: (Double) -> Void
    ) throws(CollabError) -> any QualityEstimator {
        guard hidden.count < 16, hidden.allSatisfy({ (1...65_536).contains($0) }) else {
            throw CollabError(
                .invalidRequest,
                "A perceptron has up to 15 hidden layers of 1 to 65,536 numbers."
            )
        }
        try steps.validate(for: "A perceptron")
        let objective = PerceptronObjective(
            vectors: try set.features.dense(for: "A perceptron"),
            scores: set.knownScores,
            hidden: hidden,
            isLogistic: isLogistic
        )
        let found = try steps.minimize(
            objective,
            from: objective.start(seed: seed),
            seed: seed,
            progress: progress
        )
        progress(1)
        return objective.estimator(found)
    }
}

/// The loss of a network on scores.
struct PerceptronObjective: BatchObjective {
    let vectors: Table
    let scores: Table
    let isLogistic: Bool
    let layers: [(weights: MatrixPart, biases: MatrixPart)]

    init(vectors: Table, scores: Table, hidden: [Int], isLogistic: Bool) {
        self.vectors = vectors
        self.scores = scores
        self.isLogistic = isLogistic
        var layers: [(weights: MatrixPart, biases: MatrixPart)] = []
        var (inputs, start) = (vectors.columns, 0)
        for outputs in hidden + [scores.columns] {
            let weights = MatrixPart(at: start, rows: outputs, columns: inputs)
            let biases = MatrixPart(at: weights.end, rows: 1, columns: outputs)
            layers.append((weights, biases))
            (inputs, start) = (outputs, biases.end)
        }
        self.layers = layers
    }

    var exampleCount: Int { vectors.rows }

    func start(seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return layers.flatMap { layer in
            generator.layer(outputs: layer.weights.rows, inputs: layer.weights.columns)
                + [Float](repeating: 0, count: layer.weights.rows)
        }
    }

    func loss(
        _ parameters: [Float],
        on batch: ArraySlice<Int>,
        slope: inout [Float],
        _ generator: inout SeededGenerator?
    ) -> Double {
        var values: [[Float]] = [batch.flatMap { vectors.row($0) }]
        for (index, layer) in layers.enumerated() {
            let inputs = MatrixPart(rows: batch.count, columns: layer.weights.columns)
            let outputs = MatrixPart(rows: batch.count, columns: layer.weights.rows)
            var sums = [Float](repeating: 0, count: outputs.end)
            multiply(values[index], inputs, parameters, layer.weights.transposed, into: &sums, outputs)
            let isLast = index == layers.count - 1
            for row in 0..<batch.count {
                for output in 0..<outputs.columns {
                    let sum = sums[row * outputs.columns + output] + parameters[layer.biases.start + output]
                    sums[row * outputs.columns + output] = isLast ? sum : max(sum, 0)
                }
            }
            values.append(sums)
        }
        var pull = values[layers.count]
        let value = measure(&pull, batch)
        for index in layers.indices.reversed() {
            let layer = layers[index]
            let inputs = MatrixPart(rows: batch.count, columns: layer.weights.columns)
            let outputs = MatrixPart(rows: batch.count, columns: layer.weights.rows)
            multiply(
                pull,
                outputs.transposed,
                values[index],
                inputs,
                into: &slope,
                layer.weights,
                adding: true
            )
            for row in 0..<batch.count {
                for output in 0..<outputs.columns {
                    slope[layer.biases.start + output] += pull[row * outputs.columns + output]
                }
            }
            guard index > 0 else { break }
            var before = [Float](repeating: 0, count: inputs.end)
            multiply(pull, outputs, parameters, layer.weights, into: &before, inputs)
            for place in before.indices where values[index][place] <= 0 { before[place] = 0 }
            pull = before
        }
        return value
    }

    /// The mean loss; sums become their slopes, 0 where no score is known.
    private func measure(_ sums: inout [Float], _ batch: ArraySlice<Int>) -> Double {
        var value = 0.0
        for (row, question) in batch.enumerated() {
            for model in 0..<scores.columns {
                let place = row * scores.columns + model
                let (sum, score) = (sums[place], scores[question, model])
                guard !score.isNaN else {
                    sums[place] = 0
                    continue
                }
                let target = isLogistic ? min(max(score, 0), 1) : score
                let miss = (isLogistic ? logistic(sum) : sum) - target
                value += isLogistic ? logisticLoss(sum, target: target) : Double(miss * miss) / 2
                sums[place] = miss / Float(batch.count)
            }
        }
        return value / Double(max(batch.count, 1))
    }

    func estimator(_ parameters: [Float]) -> PerceptronEstimator {
        PerceptronEstimator(
            layers: layers.map { layer in
                .init(
                    weights: Table(
                        columns: layer.weights.columns,
                        values: Array(parameters[layer.weights.range])
                    ),
                    biases: Array(parameters[layer.biases.range])
                )
            },
            isLogistic: isLogistic
        )
    }
}

extension RouterTraining where Self == PerceptronTraining {
    /// A network with hidden layers; see ``PerceptronEstimator``.
    public static func perceptron(hidden: [Int] = [64]) -> PerceptronTraining {
        PerceptronTraining(hidden: hidden)
    }
}
