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
    /// The known questions.
    public let known: RememberedQuestions

    /// Makes an estimator.
    public init(temperature: Double, known: RememberedQuestions) {
        self.temperature = temperature
        self.known = known
    }

    /// How many models are estimated.
    public var modelCount: Int { known.scores.columns }
    /// How many numbers a question must have.
    public var dimension: Int { known.vectors.columns }

    /// One row a question, one column a model.
    public func qualities(of questions: FeatureTable) throws(CollabError) -> Table {
        try check(questions)
        let table = unitRows(try questions.dense(for: "Kernel regression"))
        var result = Table(rows: table.rows, columns: modelCount)
        var weights = [Float](repeating: 0, count: known.vectors.rows)
        try forEachSimilarities(of: table, to: known.vectors) { row, similarities in
            for place in weights.indices {
                weights[place] = exp((similarities[place] - 1) / Float(temperature))
            }
            for model in 0..<modelCount {
                var (sum, total) = (0.0, 0.0)
                for place in weights.indices {
                    let score = known.scores.values[place * modelCount + model]
                    if score.isNaN { continue }
                    sum += Double(weights[place] * score)
                    total += Double(weights[place])
                }
                result[row, model] = total > 0 ? Float(sum / total) : known.averages[model]
            }
        }
        return result
    }

    /// What has to be saved.
    public var parameters: EstimatorParameters {
        EstimatorParameters(numbers: ["temperature": temperature], tables: known.tables)
    }

    /// Restores an estimator.
    public init(_ parameters: EstimatorParameters) throws(CollabError) {
        self.init(
            temperature: try parameters.positive("temperature"),
            known: try RememberedQuestions(parameters)
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
        let known = try RememberedQuestions(set, for: "Kernel regression")
        progress(1)
        return KernelEstimator(temperature: temperature, known: known)
    }
}

extension RouterTraining where Self == KernelTraining {
    /// The mean score of all known questions, weighted by similarity; see ``KernelEstimator``.
    public static func kernel(temperature: Double = 0.1) -> KernelTraining {
        KernelTraining(temperature: temperature)
    }
}
