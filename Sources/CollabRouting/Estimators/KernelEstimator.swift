public import Collab

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The mean score of all known questions, weighted by how similar they are: exp((s − 1) ∕ T), s the cosine.
public struct KernelEstimator: QualityEstimator {
    /// What the method is called in artefacts.
    public static let method = "kernel"
    /// T: how fast a question loses weight with its distance.
    public let temperature: Double
    /// The known questions, of unit length.
    public let vectors: Table
    /// What each model scored on them; NaN where nobody knows.
    public let scores: Table
    private let averages: [Float]

    /// Makes an estimator; both tables have one row a question.
    public init(temperature: Double, vectors: Table, scores: Table) {
        precondition(vectors.rows == scores.rows)
        self.temperature = temperature
        self.vectors = vectors
        self.scores = scores
        averages = knownMeans(of: scores)
    }

    /// How many models are estimated.
    public var modelCount: Int { scores.columns }
    /// How many numbers a question must have.
    public var dimension: Int { vectors.columns }

    /// One row a question, one column a model.
    public func qualities(of questions: FeatureTable) throws(CollabError) -> Table {
        try check(questions)
        let table = unitRows(try questions.dense(for: "Kernel regression"))
        var result = Table(rows: table.rows, columns: modelCount)
        var weights = [Float](repeating: 0, count: vectors.rows)
        try forEachSimilarities(of: table, to: vectors) { row, similarities in
            for place in weights.indices {
                weights[place] = exp((similarities[place] - 1) / Float(temperature))
            }
            for model in 0..<modelCount {
                var (sum, total) = (0.0, 0.0)
                for place in weights.indices {
                    let score = scores.values[place * modelCount + model]
                    if score.isNaN { continue }
                    sum += Double(weights[place] * score)
                    total += Double(weights[place])
                }
                result[row, model] = total > 0 ? Float(sum / total) : averages[model]
            }
        }
        return result
    }

    /// What has to be saved.
    public var parameters: EstimatorParameters {
        EstimatorParameters(
            numbers: ["temperature": temperature],
            tables: ["vectors": vectors, "scores": scores]
        )
    }

    /// Restores an estimator.
    public init(_ parameters: EstimatorParameters) throws(CollabError) {
        let vectors = try parameters.table("vectors")
        let temperature = try parameters.number("temperature")
        guard temperature > 0 else {
            throw CollabError(.malformedFile, "The router's temperature is \(temperature).")
        }
        self.init(
            temperature: temperature,
            vectors: vectors,
            scores: try parameters.table("scores", rows: vectors.rows, allowingNaN: true)
        )
    }
}

/// Remembers all questions; see ``KernelEstimator``.
public struct KernelTraining: RouterTraining {
    /// How fast a question loses weight with its distance.
    public var temperature: Double

    /// Makes a training.
    public init(temperature: Double = 0.1) {
        self.temperature = temperature
    }

    /// What the method and its settings are.
    public var name: String { "kernel regression, T = \(temperature)" }

    /// Learns.
    public func train(
        on set: TrainingSet,
        seed: UInt64,
        progress: (Double) -> Void
    ) throws(CollabError) -> any QualityEstimator {
        guard temperature > 0, temperature.isFinite else {
            throw CollabError(.invalidRequest, "A kernel needs a temperature above 0, not \(temperature).")
        }
        let vectors = unitRows(try set.features.dense(for: "Kernel regression"))
        progress(1)
        return KernelEstimator(temperature: temperature, vectors: vectors, scores: set.knownScores)
    }
}

extension RouterTraining where Self == KernelTraining {
    /// The mean score of all known questions, weighted by similarity; see ``KernelEstimator``.
    public static func kernel(temperature: Double = 0.1) -> KernelTraining {
        KernelTraining(temperature: temperature)
    }
}
