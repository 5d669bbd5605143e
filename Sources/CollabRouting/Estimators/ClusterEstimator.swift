public import Collab

/// What each model scored on questions of the same cluster.
///
/// A question belongs to the centre with the highest scalar product. The mean of a cluster is drawn towards the mean of
/// all by as many imagined questions as `prior` says, so that small clusters do not boast.
public struct ClusterEstimator: QualityEstimator {
    /// What the method is called in artefacts.
    public static let method = "clusters"
    /// The centres, of unit length.
    public let centres: Table
    /// One row a cluster, one column a model.
    public let means: Table

    /// Makes an estimator; both tables have one row a cluster.
    public init(centres: Table, means: Table) {
        precondition(centres.rows == means.rows)
        self.centres = centres
        self.means = means
    }

    /// How many models are estimated.
    public var modelCount: Int { means.columns }
    /// How many numbers a question must have.
    public var dimension: Int { centres.columns }

    /// One row a question, one column a model.
    public func qualities(of questions: FeatureTable) throws(CollabError) -> Table {
        try check(questions)
        let nearest = try nearestCentres(of: try questions.dense(for: "Clusters"), centres)
        return means.selecting(nearest)
    }

    /// What has to be saved.
    public var parameters: EstimatorParameters {
        EstimatorParameters(tables: ["centres": centres, "means": means])
    }

    /// Restores an estimator.
    public init(_ parameters: EstimatorParameters) throws(CollabError) {
        centres = try parameters.table("centres")
        means = try parameters.table("means", rows: centres.rows)
    }
}

/// Finds clusters by Lloyd's iterations on the sphere and each model's mean score in them; see ``ClusterEstimator``.
public struct ClusterTraining: RouterTraining {
    /// How many clusters, at most as many as there are questions.
    public var clusters: Int
    /// How many imagined questions of the mean of all each cluster has.
    public var prior: Double

    /// Makes a training.
    public init(clusters: Int = 64, prior: Double = 5) {
        self.clusters = clusters
        self.prior = prior
    }

    /// What the method and its settings are.
    public var name: String { "\(clusters) clusters" }

    /// Learns.
    public func train(
        on set: TrainingSet,
        seed: UInt64,
        progress: (Double) -> Void
    ) throws(CollabError) -> any QualityEstimator {
        guard clusters > 0, prior > 0, prior.isFinite else {
            throw CollabError(.invalidRequest, "Clusters need a number and a prior above 0.")
        }
        let vectors = unitRows(try set.features.dense(for: "Clusters"))
        let scores = set.knownScores
        let found = try QuestionClusters(of: vectors, count: clusters, seed: seed) { progress($0) }
        let (count, members) = (found.centres.rows, found.members)
        let averages = knownMeans(of: scores)
        var sums = [Double](repeating: 0, count: count * set.models.count)
        var counts = sums
        for (row, cluster) in members.enumerated() {
            for model in set.models.indices where !scores[row, model].isNaN {
                sums[cluster * set.models.count + model] += Double(scores[row, model])
                counts[cluster * set.models.count + model] += 1
            }
        }
        var means = Table(rows: count, columns: set.models.count)
        for place in sums.indices {
            let average = Double(averages[place % set.models.count])
            means.values[place] = Float((sums[place] + prior * average) / (counts[place] + prior))
        }
        progress(1)
        return ClusterEstimator(centres: found.centres, means: means)
    }
}

extension RouterTraining where Self == ClusterTraining {
    /// What each model scored on questions of the same cluster; see ``ClusterEstimator``.
    public static func clusters(_ count: Int = 64) -> ClusterTraining { ClusterTraining(clusters: count) }
}
