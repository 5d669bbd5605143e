public import Collab

/// Learns by two contrasts at once, by Adam; see ``ContrastiveEstimator``.
///
/// With s = cosine ∕ T, each of a question's best models (`best` of them at most, none as bad as the worst) is drawn
/// towards it and away from the worst ones: −log (eˢ⁺ ∕ (eˢ⁺ + Σ eˢ⁻)). A question is drawn in the same way towards one
/// of its cluster and away from `others` of other clusters, with the weight `clusterWeight`. Questions on which all
/// models did alike teach only the second.
public struct ContrastiveTraining: RouterTraining {
    /// How many hidden numbers there are.
    public var rank: Int
    /// How many of the best models of a question are drawn towards it, and how many of the worst away.
    public var best: Int
    /// How many questions of other clusters a question is held against.
    public var others: Int
    /// How many clusters the questions are put into.
    public var clusters: Int
    /// The weight of the contrast among questions.
    public var clusterWeight: Float
    /// T: how far cosines have to be apart.
    public var temperature: Double
    /// How the steps are made.
    public var steps: AdamSettings

    /// Makes a training.
    public init(
        rank: Int = 64,
        best: Int = 3,
        others: Int = 3,
        clusters: Int = 8,
        clusterWeight: Float = 0.2,
        temperature: Double = 0.2,
        steps: AdamSettings = AdamSettings(epochs: 50, decay: 1e-4, patience: 5)
    ) {
        self.rank = rank
        self.best = best
        self.others = others
        self.clusters = clusters
        self.clusterWeight = clusterWeight
        self.temperature = temperature
        self.steps = steps
    }

    /// What the method and its settings are.
    public var name: String { "dual contrast of rank \(rank)" }

    /// Learns.
    public func train(
        on set: TrainingSet,
        seed: UInt64,
        progress: (Double) -> Void
    ) throws(CollabError) -> any QualityEstimator {
        guard (1...4096).contains(rank), best > 0, others > 0, clusters > 0, clusterWeight >= 0,
            clusterWeight.isFinite, temperature > 0, temperature.isFinite
        else {
            throw CollabError(
                .invalidRequest,
                "Contrasts need a rank of 1 to 4,096, models, questions and clusters, and a temperature above 0."
            )
        }
        try steps.validate(for: "A contrastive router")
        let vectors = unitRows(try set.features.dense(for: "A contrastive router"))
        let clusters = try QuestionClusters(of: vectors, count: clusters, seed: seed)
        let objective = ContrastiveObjective(
            vectors: vectors,
            scores: set.knownScores,
            clusters: clusters.members,
            settings: self
        )
        let found = try steps.minimize(
            objective,
            from: objective.start(seed: seed),
            seed: seed,
            progress: progress
        )
        progress(1)
        return objective.estimator(found)
    }
}

/// The loss of both contrasts.
struct ContrastiveObjective: BatchObjective {
    let vectors: Table
    let clusters: [Int]
    let settings: ContrastiveTraining
    /// The best and the worst models of each question; empty where all are alike.
    private let contrasts: [(best: [Int], worst: [Int])]
    let projection: MatrixPart
    let models: MatrixPart

    init(vectors: Table, scores: Table, clusters: [Int], settings: ContrastiveTraining) {
        self.vectors = vectors
        self.clusters = clusters
        self.settings = settings
        projection = MatrixPart(rows: settings.rank, columns: vectors.columns)
        models = MatrixPart(at: projection.end, rows: scores.columns, columns: settings.rank)
        contrasts = (0..<scores.rows).map { row in
            let known = (0..<scores.columns).filter { !scores[row, $0].isNaN }
                .sorted { (scores[row, $1], $0) < (scores[row, $0], $1) }
            guard let first = known.first, let last = known.last, scores[row, first] > scores[row, last]
            else { return ([], []) }
            let middle = (scores[row, first] + scores[row, last]) / 2
            let best = known.filter { scores[row, $0] >= middle }.prefix(settings.best)
            let worst = known.filter { scores[row, $0] < middle }.suffix(settings.best)
            return (Array(best), Array(worst))
        }
    }

    var exampleCount: Int { vectors.rows }

    func start(seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return generator.layer(outputs: projection.rows, inputs: projection.columns)
            + generator.layer(outputs: models.rows, inputs: models.columns)
    }

    func loss(
        _ parameters: [Float],
        on batch: ArraySlice<Int>,
        slope: inout [Float],
        _ generator: inout SeededGenerator?
    ) -> Double {
        let input = MatrixPart(rows: batch.count, columns: vectors.columns)
        let inner = MatrixPart(rows: batch.count, columns: settings.rank)
        let questions = batch.flatMap { vectors.row($0) }
        var hidden = [Float](repeating: 0, count: inner.end)
        multiply(questions, input, parameters, projection.transposed, into: &hidden, inner)
        let directions = UnitRows(hidden, columns: settings.rank)
        let models = UnitRows(Array(parameters[models.range]), columns: settings.rank)
        var pull = [Float](repeating: 0, count: inner.end)
        var modelPull = [Float](repeating: 0, count: self.models.rows * settings.rank)
        var value = 0.0
        let share = 1 / Float(batch.count)
        for (row, question) in batch.enumerated() {
            let contrast = contrasts[question]
            for best in contrast.best {
                value += directions.draw(
                    row,
                    to: best,
                    from: contrast.worst,
                    of: models,
                    (Float(settings.temperature), share),
                    &pull,
                    &modelPull
                )
            }
        }
        if settings.clusterWeight > 0 {
            let own = batch.map { clusters[$0] }
            var both = pull
            for row in own.indices {
                guard let (same, others) = partners(of: row, own, &generator) else { continue }
                // Both sides of this contrast are questions, so that both pulls are theirs.
                var towards = [Float](repeating: 0, count: inner.end)
                value += directions.draw(
                    row,
                    to: same,
                    from: others,
                    of: directions,
                    (Float(settings.temperature), share * settings.clusterWeight),
                    &both,
                    &towards
                )
                for place in [same] + others {
                    for column in place * settings.rank..<(place + 1) * settings.rank {
                        both[column] += towards[column]
                    }
                }
            }
            pull = both
        }
        directions.carry(&pull)
        models.carry(&modelPull)
        multiply(pull, inner.transposed, questions, input, into: &slope, projection, adding: true)
        for (place, part) in zip(self.models.range, modelPull) { slope[place] += part }
        return value
    }

    /// Another question of the batch in the same cluster, and some in others; drawn by chance, or the next ones.
    private func partners(
        of row: Int,
        _ clusters: [Int],
        _ generator: inout SeededGenerator?
    ) -> (same: Int, others: [Int])? {
        let start = (generator?.next(upperBound: UInt64(clusters.count))).map { Int($0) } ?? row
        var same: Int?
        var others: [Int] = []
        for step in clusters.indices {
            let place = (start + step) % clusters.count
            if place == row { continue }
            if clusters[place] == clusters[row] {
                same = same ?? place
            } else if others.count < settings.others {
                others.append(place)
            }
            if same != nil, others.count == settings.others { break }
        }
        return same.flatMap { others.isEmpty ? nil : ($0, others) }
    }

    func estimator(_ parameters: [Float]) -> ContrastiveEstimator {
        ContrastiveEstimator(
            projection: Table(columns: projection.columns, values: Array(parameters[projection.range])),
            models: Table(columns: models.columns, values: Array(parameters[models.range])),
            temperature: settings.temperature
        )
    }
}

/// Vectors of unit length beside the lengths that they had.
private struct UnitRows {
    private var values: [Float]
    private let lengths: [Float]
    private let columns: Int

    init(_ values: [Float], columns: Int) {
        self.columns = columns
        self.values = values
        lengths = stride(from: 0, to: values.count, by: columns).map { start in
            max(values[start..<start + columns].reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-12)
        }
        for place in values.indices { self.values[place] /= lengths[place / columns] }
    }

    private func dot(_ row: Int, _ other: UnitRows, _ place: Int) -> Float {
        var sum: Float = 0
        let (a, b) = (row * columns, place * columns)
        for column in 0..<columns { sum += values[a + column] * other.values[b + column] }
        return sum
    }

    /// Draws a row towards one vector and away from others: adds the slopes by the unit vectors, and gives the loss.
    func draw(
        _ row: Int,
        to best: Int,
        from worst: [Int],
        of others: UnitRows,
        _ scale: (temperature: Float, weight: Float),
        _ pull: inout [Float],
        _ otherPull: inout [Float]
    ) -> Double {
        let places = [best] + worst
        let sums = places.map { dot(row, others, $0) / scale.temperature }
        let highest = sums.max() ?? 0
        let powers = sums.map { exponential($0 - highest) }
        let total = powers.reduce(0, +)
        for (index, place) in places.enumerated() {
            let factor = (powers[index] / total - (index == 0 ? 1 : 0)) * scale.weight / scale.temperature
            let (a, b) = (row * columns, place * columns)
            for column in 0..<columns {
                pull[a + column] += factor * others.values[b + column]
                otherPull[b + column] += factor * values[a + column]
            }
        }
        return Double((logarithm(total) + highest - sums[0]) * scale.weight)
    }

    /// Turns slopes by the unit vectors into slopes by the vectors that they were made of.
    func carry(_ slopes: inout [Float]) {
        for (row, length) in lengths.enumerated() {
            var along: Float = 0
            for place in row * columns..<(row + 1) * columns { along += slopes[place] * values[place] }
            for place in row * columns..<(row + 1) * columns {
                slopes[place] = (slopes[place] - along * values[place]) / length
            }
        }
    }
}

extension RouterTraining where Self == ContrastiveTraining {
    /// A projection drawn towards the models that did well; see ``ContrastiveEstimator``.
    public static func contrastive(rank: Int = 64) -> ContrastiveTraining { ContrastiveTraining(rank: rank) }
}
