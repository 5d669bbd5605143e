public import Collab
import CollabKernels

/// The mean score of the most similar questions.
///
/// With scores of 0 and 1 a single neighbour says little: about a hundred are needed before the mean is worth more than
/// its noise.
public struct NeighbourEstimator: QualityEstimator {
    /// What the method is called in artefacts.
    public static let method = "neighbours"
    /// How many neighbours count.
    public let neighbours: Int
    /// The known questions.
    public let known: RememberedQuestions

    /// Makes an estimator.
    public init(neighbours: Int, known: RememberedQuestions) {
        self.neighbours = max(neighbours, 1)
        self.known = known
    }

    /// How many models are estimated.
    public var modelCount: Int { known.scores.columns }
    /// How many numbers a question must have.
    public var dimension: Int { known.vectors.columns }

    /// One row a question, one column a model.
    public func qualities(of questions: FeatureTable) throws(CollabError) -> Table {
        try check(questions)
        let table = try questions.dense(for: "Neighbours")
        var result = Table(rows: table.rows, columns: modelCount)
        try forEachSimilarities(of: table, to: known.vectors) { row, similarities in
            for (model, value) in estimate(similarities).enumerated() { result[row, model] = value }
        }
        return result
    }

    private func estimate(_ similarities: UnsafeBufferPointer<Float>) -> [Float] {
        var sums = [Float](repeating: 0, count: modelCount)
        var counts = sums
        for place in highestPlaces(neighbours, in: similarities) {
            for model in 0..<modelCount {
                let score = known.scores[place, model]
                if score.isNaN { continue }
                sums[model] += score
                counts[model] += 1
            }
        }
        return (0..<modelCount).map { counts[$0] > 0 ? sums[$0] / counts[$0] : known.averages[$0] }
    }

    /// What has to be saved.
    public var parameters: EstimatorParameters {
        EstimatorParameters(numbers: ["neighbours": Double(neighbours)], tables: known.tables)
    }

    /// Restores an estimator.
    public init(_ parameters: EstimatorParameters) throws(CollabError) {
        self.init(
            neighbours: try parameters.whole("neighbours", in: 1...1_000_000),
            known: try RememberedQuestions(parameters)
        )
    }
}

/// Remembers all questions; see ``NeighbourEstimator``.
public struct NeighbourTraining: RouterTraining {
    /// How many neighbours count.
    public var neighbours: Int

    /// Makes a training.
    public init(neighbours: Int = 100) {
        self.neighbours = neighbours
    }

    /// What the method and its settings are.
    public var name: String { "\(neighbours) neighbours" }

    /// Learns.
    public func train(
        on set: TrainingSet,
        seed: UInt64,
        progress: (Double) -> Void
    ) throws(CollabError) -> any QualityEstimator {
        guard neighbours > 0 else {
            throw CollabError(.invalidRequest, "\(neighbours) neighbours know nothing.")
        }
        let known = try RememberedQuestions(set, for: "Neighbours")
        progress(1)
        return NeighbourEstimator(neighbours: neighbours, known: known)
    }
}

extension RouterTraining where Self == NeighbourTraining {
    /// The mean score of the most similar questions; see ``NeighbourEstimator``.
    public static func neighbours(_ count: Int = 100) -> NeighbourTraining {
        NeighbourTraining(neighbours: count)
    }
}
