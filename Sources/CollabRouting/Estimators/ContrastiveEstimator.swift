public import Collab

/// How near a projection of the question is to each model's vector, by the cosine.
///
/// What comes out is the softmax over the models of cos(W x, k_M) ∕ T: shares that add up to 1, not scores. After S.
/// Chen et al., *RouterDC: Query-Based Router by Dual Contrastive Learning for Assembling Large Language Models*,
/// arXiv 2409.19886; the encoder beneath stays as it is, a projection of its vectors is learned.
public struct ContrastiveEstimator: QualityEstimator {
    /// What the method is called in artefacts.
    public static let method = "contrastive"
    /// W: one row of weights a hidden number.
    public let projection: Table
    /// k: one row a model, one column a hidden number.
    public let models: Table
    /// T: how far cosines have to be apart.
    public let temperature: Double

    /// Makes an estimator; there are as many columns of models as rows of the projection.
    public init(projection: Table, models: Table, temperature: Double) {
        precondition(models.columns == projection.rows)
        self.projection = projection
        self.models = models
        self.temperature = temperature
    }

    /// How many models are estimated.
    public var modelCount: Int { models.rows }
    /// How many numbers a question must have.
    public var dimension: Int { projection.columns }

    /// One row a question, one column a model.
    public func qualities(of questions: FeatureTable) throws(CollabError) -> Table {
        try check(questions)
        let hidden = Table(
            columns: projection.rows,
            values: questions.products(with: projection.values, count: projection.rows)
        )
        var result = Table(
            columns: modelCount,
            values: FeatureTable.dense(unitRows(hidden))
                .products(with: unitRows(models).values, count: modelCount)
        )
        for row in 0..<result.rows {
            let powers = result.row(row).map { exponential(($0 - 1) / Float(temperature)) }
            let total = powers.reduce(0, +)
            for model in 0..<modelCount {
                result[row, model] = total > 0 ? powers[model] / total : 1 / Float(modelCount)
            }
        }
        return result
    }

    /// What has to be saved.
    public var parameters: EstimatorParameters {
        EstimatorParameters(
            numbers: ["temperature": temperature],
            tables: ["projection": projection, "models": models]
        )
    }

    /// Restores an estimator.
    public init(_ parameters: EstimatorParameters) throws(CollabError) {
        projection = try parameters.table("projection")
        models = try parameters.table("models", columns: projection.rows)
        temperature = try parameters.positive("temperature")
    }
}
