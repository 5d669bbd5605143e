public import Collab

/// Learns the bilinear form from comparisons by Adam; see ``FactorizationEstimator``.
///
/// The loss of a battle is BCE(outcome, σ(δ_a − δ_b)); ties count as half a win for each. Scores are taken for battles
/// where only scores are known. Noise on the questions' vectors keeps the form from learning them by heart.
public struct FactorizationTraining: RouterTraining {
    /// How many hidden numbers the form has.
    public var rank: Int
    /// Whether models' vectors are of unit length, with a weight a hidden number and without biases, as in RouteLLM.
    public var hasUnitModels: Bool
    /// The spread of what is added to each number of a question's vector while learning.
    public var noise: Float
    /// How the steps are made.
    public var steps: AdamSettings

    /// Makes a training.
    public init(
        rank: Int = 128,
        hasUnitModels: Bool = false,
        noise: Float = 0.05,
        steps: AdamSettings = AdamSettings(epochs: 10, decay: 1e-5)
    ) {
        self.rank = rank
        self.hasUnitModels = hasUnitModels
        self.noise = noise
        self.steps = steps
    }

    /// What the method and its settings are.
    public var name: String { "factorisation of rank \(rank)" + (hasUnitModels ? ", unit models" : "") }

    /// Learns.
    public func train(
        on set: TrainingSet,
        seed: UInt64,
        progress: (Double) -> Void
    ) throws(CollabError) -> any QualityEstimator {
        guard (1...4096).contains(rank), noise >= 0, noise.isFinite else {
            throw CollabError(
                .invalidRequest,
                "Factorisation needs a rank of 1 to 4,096 and noise of at least 0."
            )
        }
        try steps.validate(for: "Factorisation")
        let battles = set.knownBattles
        guard !battles.isEmpty else {
            throw CollabError(.invalidRequest, "No two models were compared on one question.")
        }
        let objective = FactorizationObjective(
            vectors: unitRows(try set.features.dense(for: "Factorisation")),
            battles: battles,
            models: set.models.count,
            rank: rank,
            hasUnitModels: hasUnitModels,
            noise: noise
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

/// The loss of battles.
struct FactorizationObjective: BatchObjective {
    let vectors: Table
    let battles: [Battle]
    let hasUnitModels: Bool
    /// What is added to questions, a stretch each; empty for nothing.
    private let noise: [Float]
    /// How many stretches there are.
    private static let noiseStarts = 1 << 16
    /// W, the models' vectors, their biases, and the weights of the hidden numbers.
    let projection: MatrixPart
    let models: MatrixPart
    let biases: MatrixPart
    let weights: MatrixPart

    init(vectors: Table, battles: [Battle], models: Int, rank: Int, hasUnitModels: Bool, noise: Float) {
        self.vectors = vectors
        self.battles = battles
        self.hasUnitModels = hasUnitModels
        var generator = SeededGenerator(seed: 0x6e6f_6973_65)
        self.noise =
            noise > 0
            ? (0..<Self.noiseStarts + vectors.columns).map { _ in noise * Float(generator.nextNormal()) } : []
        projection = MatrixPart(rows: rank, columns: vectors.columns)
        self.models = MatrixPart(at: projection.end, rows: models, columns: rank)
        biases = MatrixPart(at: self.models.end, rows: 1, columns: models)
        weights = MatrixPart(at: biases.end, rows: 1, columns: rank)
    }

    var exampleCount: Int { battles.count }

    func start(seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        var start = generator.layer(outputs: projection.rows, inputs: projection.columns)
        // About of unit length: a form that begins large knows things that nobody taught it.
        let spread = 1 / Double(models.columns).squareRoot()
        for _ in models.range { start.append(Float(spread * generator.nextNormal())) }
        start += [Float](repeating: 0, count: models.rows)
        return start + generator.layer(outputs: 1, inputs: weights.columns)
    }

    /// e of all models.
    private func effective(_ parameters: [Float]) -> [Float] {
        var result = Array(parameters[models.range])
        guard hasUnitModels else { return result }
        for model in 0..<models.rows {
            let length = self.length(of: model, parameters)
            for place in 0..<models.columns {
                result[model * models.columns + place] *= parameters[weights.start + place] / length
            }
        }
        return result
    }

    private func length(of model: Int, _ parameters: [Float]) -> Float {
        let first = models.start + model * models.columns
        let square = parameters[first..<first + models.columns].reduce(0) { $0 + $1 * $1 }
        return max(square.squareRoot(), 1e-12)
    }

    func loss(
        _ parameters: [Float],
        on batch: ArraySlice<Int>,
        slope: inout [Float],
        _ generator: inout SeededGenerator?
    ) -> Double {
        let (rank, count, width) = (models.columns, batch.count, vectors.columns)
        let effective = effective(parameters)
        var questions: [Float] = []
        questions.reserveCapacity(count * width)
        for place in batch { questions += vectors.row(battles[place].question) }
        if generator != nil, !noise.isEmpty {
            for row in 0..<count {
                // A stretch of numbers that were drawn once: as good as new ones, and much sooner there.
                let first = Int(generator?.next(upperBound: UInt64(Self.noiseStarts)) ?? 0)
                for column in 0..<width { questions[row * width + column] += noise[first + column] }
            }
        }
        let input = MatrixPart(rows: count, columns: width), inner = MatrixPart(rows: count, columns: rank)
        var hidden = [Float](repeating: 0, count: count * rank), pull = hidden
        multiply(questions, input, parameters, projection.transposed, into: &hidden, inner)
        var modelSlope = [Float](repeating: 0, count: effective.count)
        var value = 0.0
        for (row, place) in batch.enumerated() {
            let battle = battles[place]
            let (a, b, h) = (battle.first * rank, battle.second * rank, row * rank)
            var sum: Float = 0
            for place in 0..<rank { sum += (effective[a + place] - effective[b + place]) * hidden[h + place] }
            if !hasUnitModels {
                sum += parameters[biases.start + battle.first] - parameters[biases.start + battle.second]
            }
            value += logisticLoss(sum, target: Float(battle.outcome))
            let share = (logistic(sum) - Float(battle.outcome)) / Float(count)
            for place in 0..<rank {
                modelSlope[a + place] += share * hidden[h + place]
                modelSlope[b + place] -= share * hidden[h + place]
                pull[h + place] = share * (effective[a + place] - effective[b + place])
            }
            if !hasUnitModels {
                slope[biases.start + battle.first] += share
                slope[biases.start + battle.second] -= share
            }
        }
        multiply(pull, inner.transposed, questions, input, into: &slope, projection, adding: true)
        addSlope(of: modelSlope, parameters, to: &slope)
        return value / Double(max(count, 1))
    }

    /// Carries the slope of e over to what e is made of.
    private func addSlope(of effective: [Float], _ parameters: [Float], to slope: inout [Float]) {
        let rank = models.columns
        for model in 0..<models.rows {
            let (from, to) = (model * rank, models.start + model * rank)
            guard hasUnitModels else {
                for place in 0..<rank { slope[to + place] += effective[from + place] }
                continue
            }
            let length = length(of: model, parameters)
            var along: Float = 0
            for place in 0..<rank {
                let unit = parameters[to + place] / length
                slope[weights.start + place] += effective[from + place] * unit
                along += effective[from + place] * parameters[weights.start + place] * unit
            }
            for place in 0..<rank {
                let pull = effective[from + place] * parameters[weights.start + place]
                slope[to + place] += (pull - along * parameters[to + place] / length) / length
            }
        }
    }

    func estimator(_ parameters: [Float]) -> FactorizationEstimator {
        FactorizationEstimator(
            projection: Table(columns: projection.columns, values: Array(parameters[projection.range])),
            models: Table(columns: models.columns, values: effective(parameters)),
            biases: Array(parameters[biases.range])
        )
    }
}

extension RouterTraining where Self == FactorizationTraining {
    /// A bilinear form of models and questions, learned from comparisons; see ``FactorizationEstimator``.
    public static func factorization(rank: Int = 128) -> FactorizationTraining {
        FactorizationTraining(rank: rank)
    }
}
