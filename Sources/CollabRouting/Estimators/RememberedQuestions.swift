import Collab

/// Questions that are known by heart: what methods that compare a question with all others learn.
public struct RememberedQuestions: Hashable, Sendable {
    /// The questions, of unit length.
    public let vectors: Table
    /// What each model scored on them, one row a question; NaN where nobody knows.
    public let scores: Table
    /// Each model's mean score; 0 where nothing is known.
    let averages: [Float]

    /// Takes questions of unit length; both tables have one row a question.
    public init(vectors: Table, scores: Table) {
        precondition(vectors.rows == scores.rows)
        self.vectors = vectors
        self.scores = scores
        averages = knownMeans(of: scores)
    }

    /// Remembers a training set for a method of that name.
    init(_ set: TrainingSet, for method: String) throws(CollabError) {
        self.init(vectors: unitRows(try set.features.dense(for: method)), scores: set.knownScores)
    }

    /// What has to be saved.
    var tables: [String: Table] { ["vectors": vectors, "scores": scores] }

    /// Restores what was saved.
    init(_ parameters: EstimatorParameters) throws(CollabError) {
        let vectors = try parameters.table("vectors")
        self.init(
            vectors: vectors,
            scores: try parameters.table("scores", rows: vectors.rows, allowingNaN: true)
        )
    }
}
