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
    /// The known questions, of unit length.
    public let vectors: Table
    /// What each model scored on them; NaN where nobody knows.
    public let scores: Table
    private let averages: [Float]

    /// Makes an estimator; both tables have one row a question.
    public init(neighbours: Int, vectors: Table, scores: Table) {
        precondition(vectors.rows == scores.rows)
        self.neighbours = max(neighbours, 1)
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
        let table = try questions.dense(for: "Neighbours")
        var result = Table(rows: table.rows, columns: modelCount)
        try forEachSimilarities(of: table, to: vectors) { row, similarities in
            for (model, value) in estimate(similarities).enumerated() { result[row, model] = value }
        }
        return result
    }

    private func estimate(_ similarities: UnsafeBufferPointer<Float>) -> [Float] {
        var sums = [Float](repeating: 0, count: modelCount)
        var counts = sums
        for place in highestPlaces(neighbours, in: similarities) {
            for model in 0..<modelCount {
                let score = scores[place, model]
                if score.isNaN { continue }
                sums[model] += score
                counts[model] += 1
            }
        }
        return (0..<modelCount).map { counts[$0] > 0 ? sums[$0] / counts[$0] : averages[$0] }
    }

    /// What has to be saved.
    public var parameters: EstimatorParameters {
        EstimatorParameters(
            numbers: ["neighbours": Double(neighbours)],
            tables: ["vectors": vectors, "scores": scores]
        )
    }

    /// Restores an estimator.
    public init(_ parameters: EstimatorParameters) throws(CollabError) {
        let vectors = try parameters.table("vectors")
        self.init(
            neighbours: try parameters.whole("neighbours", in: 1...1_000_000),
            vectors: vectors,
            scores: try parameters.table("scores", rows: vectors.rows, allowingNaN: true)
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
        let vectors = unitRows(try set.features.dense(for: "Neighbours"))
        progress(1)
        return NeighbourEstimator(neighbours: neighbours, vectors: vectors, scores: set.knownScores)
    }
}

extension RouterTraining where Self == NeighbourTraining {
    /// The mean score of the most similar questions; see ``NeighbourEstimator``.
    public static func neighbours(_ count: Int = 100) -> NeighbourTraining {
        NeighbourTraining(neighbours: count)
    }
}
