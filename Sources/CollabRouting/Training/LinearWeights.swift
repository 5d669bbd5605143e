/// Weights and intercepts of all models while they are learned; a model that nothing is known of keeps zeros.
struct LinearWeights {
    private var weights: Table
    private var intercepts: [Float]

    init(models: Int, dimension: Int) {
        weights = Table(rows: models, columns: dimension)
        intercepts = [Float](repeating: 0, count: models)
    }

    /// Takes what was learned of one model.
    mutating func set(_ model: Int, _ values: some Collection<Float>, intercept: Float) {
        weights.values.replaceSubrange(
            model * weights.columns..<(model + 1) * weights.columns,
            with: values
        )
        intercepts[model] = intercept
    }

    func estimator(isLogistic: Bool = false) -> LinearEstimator {
        LinearEstimator(weights: weights, intercepts: intercepts, isLogistic: isLogistic)
    }
}
