public import Collab

/// How a model's vector goes with a projection of the question: the bilinear form of RouteLLM.
///
/// δ(M, q) = e_M · (W x_q) + b_M, and P(a beats b | q) = σ(δ_a − δ_b). What comes out is the probability of beating one
/// of the others, drawn by chance: for two models P(win). After I. Ong et al., *RouteLLM*, arXiv 2406.18665, whose form
/// w₂ · (v_M ⊙ W₁ x) with v_M of unit length and without b_M is the same with e_M = w₂ ⊙ v_M.
public struct FactorizationEstimator: QualityEstimator {
    /// What the method is called in artefacts.
    public static let method = "factorization"
    /// W: one row of weights a hidden number.
    public let projection: Table
    /// e: one row a model, one column a hidden number.
    public let models: Table
    /// b: what each model has on any question.
    public let biases: [Float]

    /// Makes an estimator; there are as many columns of models as rows of the projection, and a bias a model.
    public init(projection: Table, models: Table, biases: [Float]) {
        precondition(models.columns == projection.rows && biases.count == models.rows)
        self.projection = projection
        self.models = models
        self.biases = biases
    }

    /// How many models are estimated.
    public var modelCount: Int { models.rows }
    /// How many numbers a question must have.
    public var dimension: Int { projection.columns }

    /// δ: how strong each model is on a question; one row a question, one column a model.
    public func strengths(of questions: FeatureTable) throws(CollabError) -> Table {
        try check(questions)
        let hidden = Table(
            columns: projection.rows,
            values: questions.products(with: projection.values, count: projection.rows)
        )
        var result = Table(
            columns: modelCount,
            values: FeatureTable.dense(hidden).products(with: models.values, count: modelCount)
        )
        for row in 0..<result.rows {
            for model in 0..<modelCount { result[row, model] += biases[model] }
        }
        return result
    }

    /// One row a question, one column a model.
    public func qualities(of questions: FeatureTable) throws(CollabError) -> Table {
        var result = try strengths(of: questions)
        for row in 0..<result.rows {
            let strengths = Array(result.row(row))
            for model in 0..<modelCount { result[row, model] = winRate(of: model, strengths) }
        }
        return result
    }

    /// What has to be saved.
    public var parameters: EstimatorParameters {
        EstimatorParameters(tables: ["projection": projection, "models": models, "biases": Table([biases])])
    }

    /// Restores an estimator.
    public init(_ parameters: EstimatorParameters) throws(CollabError) {
        projection = try parameters.table("projection")
        models = try parameters.table("models", columns: projection.rows)
        biases = try parameters.table("biases", rows: 1, columns: models.rows).values
    }
}

/// The probability of beating one of the others, drawn by chance, where strengths decide by the logistic function.
func winRate(of model: Int, _ strengths: [Float]) -> Float {
    guard strengths.count > 1 else { return 1 }
    var sum: Float = 0
    for other in strengths.indices where other != model {
        sum += logistic(strengths[model] - strengths[other])
    }
    return sum / Float(strengths.count - 1)
}
