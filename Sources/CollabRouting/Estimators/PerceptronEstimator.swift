public import Collab

/// Layers of weights with max(0, ·) between them: h₀ = x, h_l = max(0, W_l h_{l−1} + b_l), and the last layer without.
///
/// One network estimates all models; the layers before the last are shared.
public struct PerceptronEstimator: QualityEstimator {
    /// A layer: one row of weights and one bias an output.
    public struct Layer: Hashable, Sendable {
        /// One row an output, one column an input.
        public var weights: Table
        /// One number an output.
        public var biases: [Float]

        /// Makes a layer; there are as many biases as rows of weights.
        public init(weights: Table, biases: [Float]) {
            precondition(weights.rows == biases.count)
            self.weights = weights
            self.biases = biases
        }
    }

    /// What the method is called in artefacts.
    public static let method = "perceptron"
    /// The layers, from the question to the models; at least one.
    public let layers: [Layer]
    /// Whether what comes out goes through the logistic function.
    public let isLogistic: Bool

    /// Makes an estimator; each layer has as many inputs as the one before has outputs.
    public init(layers: [Layer], isLogistic: Bool = true) {
        precondition(!layers.isEmpty)
        precondition(zip(layers, layers.dropFirst()).allSatisfy { $0.biases.count == $1.weights.columns })
        self.layers = layers
        self.isLogistic = isLogistic
    }

    /// How many models are estimated.
    public var modelCount: Int { layers[layers.count - 1].biases.count }
    /// How many numbers a question must have.
    public var dimension: Int { layers[0].weights.columns }

    /// One row a question, one column a model.
    public func qualities(of questions: FeatureTable) throws(CollabError) -> Table {
        try check(questions)
        var values = questions
        for (index, layer) in layers.enumerated() {
            let outputs = layer.biases.count
            var sums = Table(
                columns: outputs,
                values: values.products(with: layer.weights.values, count: outputs)
            )
            let isLast = index == layers.count - 1
            for row in 0..<sums.rows {
                for output in 0..<outputs {
                    let sum = sums[row, output] + layer.biases[output]
                    sums[row, output] = isLast ? (isLogistic ? logistic(sum) : sum) : max(sum, 0)
                }
            }
            values = .dense(sums)
        }
        return try values.dense(for: "A perceptron")
    }

    /// What has to be saved.
    public var parameters: EstimatorParameters {
        var tables: [String: Table] = [:]
        for (index, layer) in layers.enumerated() {
            tables["weights \(index + 1)"] = layer.weights
            tables["biases \(index + 1)"] = Table([layer.biases])
        }
        return EstimatorParameters(
            numbers: ["layers": Double(layers.count), "logistic": isLogistic ? 1 : 0],
            tables: tables
        )
    }

    /// Restores an estimator.
    public init(_ parameters: EstimatorParameters) throws(CollabError) {
        var layers: [Layer] = []
        for index in 1...(try parameters.whole("layers", in: 1...16)) {
            let weights = try parameters.table("weights \(index)", columns: layers.last?.biases.count)
            let biases = try parameters.table("biases \(index)", rows: 1, columns: weights.rows).values
            layers.append(Layer(weights: weights, biases: biases))
        }
        self.layers = layers
        isLogistic = try parameters.whole("logistic", in: 0...1) == 1
    }
}
