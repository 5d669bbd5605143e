public import Collab

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One weight a feature and model: what ridge and logistic regression learn.
public struct LinearEstimator: QualityEstimator {
    /// What the method is called in artefacts.
    public static let method = "linear"
    /// One row of weights a model.
    public let weights: Table
    /// What each model has without any feature.
    public let intercepts: [Float]
    /// Whether the sum goes through the logistic function.
    public let isLogistic: Bool

    /// Makes an estimator of known weights; there are as many intercepts as rows of weights.
    public init(weights: Table, intercepts: [Float], isLogistic: Bool = false) {
        precondition(weights.rows == intercepts.count)
        self.weights = weights
        self.intercepts = intercepts
        self.isLogistic = isLogistic
    }

    /// How many models are estimated.
    public var modelCount: Int { weights.rows }
    /// How many numbers a question must have.
    public var dimension: Int { weights.columns }

    /// One row a question, one column a model.
    public func qualities(of questions: FeatureTable) throws(CollabError) -> Table {
        try check(questions)
        var result = Table(
            columns: modelCount,
            values: questions.products(with: weights.values, count: modelCount)
        )
        for row in 0..<result.rows {
            for model in 0..<modelCount {
                let sum = result[row, model] + intercepts[model]
                result[row, model] = isLogistic ? 1 / (1 + exp(-sum)) : sum
            }
        }
        return result
    }

    /// What has to be saved.
    public var parameters: EstimatorParameters {
        EstimatorParameters(
            numbers: ["logistic": isLogistic ? 1 : 0],
            tables: ["weights": weights, "intercepts": Table([intercepts])]
        )
    }

    /// Restores an estimator.
    public init(_ parameters: EstimatorParameters) throws(CollabError) {
        weights = try parameters.table("weights")
        intercepts = try parameters.table("intercepts", rows: 1, columns: weights.rows).values
        isLogistic = try parameters.whole("logistic", in: 0...1) == 1
    }
}
