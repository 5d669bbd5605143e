public import Collab
import CollabKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Ratings of the models for the question at hand, from battles on similar questions.
///
/// For each question the Bradley–Terry model P(a beats b) = σ(ξ_a − ξ_b) is fitted to all battles, weighted by the
/// similarity of their questions: exp((s − 1) ∕ T). Battles are summed by pair first, so that Newton's steps, with
/// Cholesky's factors, are of as many unknowns as there are models. A small penalty keeps ratings of the undefeated
/// finite. What comes out is the probability of beating one of the others, drawn by chance: for two models P(win).
public struct BradleyTerryEstimator: QualityEstimator {
    /// What the method is called in artefacts.
    public static let method = "bradley-terry"
    /// T: how fast a question loses weight with its distance.
    public let temperature: Double
    /// How many models there are.
    public let modelCount: Int
    /// The known questions, of unit length.
    public let vectors: Table
    /// One row a battle: the places of its question and two models, and how much the first won.
    public let battles: Table

    /// The weight of the penalty on squared ratings.
    static let penalty = 1e-3

    /// Makes an estimator.
    ///
    /// Throws ``Collab/CollabError`` with `malformedFile` if a battle names what is not there.
    public init(
        temperature: Double,
        modelCount: Int,
        vectors: Table,
        battles: Table
    ) throws(CollabError) {
        for row in 0..<battles.rows {
            let parts = battles.row(row).map { $0 }
            guard parts.count == 4, let question = Int(exactly: parts[0]), let first = Int(exactly: parts[1]),
                let second = Int(exactly: parts[2]), (0..<vectors.rows).contains(question), first != second,
                (0..<modelCount).contains(first), (0..<modelCount).contains(second), 0...1 ~= parts[3]
            else { throw CollabError(.malformedFile, "The router's battle \(row) cannot be: \(parts).") }
        }
        self.temperature = temperature
        self.modelCount = modelCount
        self.vectors = vectors
        self.battles = battles
    }

    /// How many numbers a question must have.
    public var dimension: Int { vectors.columns }

    /// One row a question, one column a model.
    public func qualities(of questions: FeatureTable) throws(CollabError) -> Table {
        try check(questions)
        let table = unitRows(try questions.dense(for: "Bradley–Terry"))
        var result = Table(rows: table.rows, columns: modelCount)
        var failure: CollabError?
        try forEachSimilarities(of: table, to: vectors) { row, similarities in
            if failure != nil { return }
            do throws(KernelError) {
                for (model, value) in try winRates(similarities).enumerated() { result[row, model] = value }
            } catch {
                failure = CollabError(.unsupported, "Ratings could not be fitted.", cause: error)
            }
        }
        if let failure { throw failure }
        return result
    }

    private func winRates(_ similarities: UnsafeBufferPointer<Float>) throws(KernelError) -> [Float] {
        // Relative to the most similar question, or a distant one would have no weights at all.
        let highest = similarities.max() ?? 0
        var wins = [Double](repeating: 0, count: modelCount * modelCount)
        battles.values.withUnsafeBufferPointer { battles in
            for start in stride(from: 0, to: battles.count, by: 4) {
                let similarity = similarities[Int(battles[start])]
                let weight = Double(exp((similarity - highest) / Float(temperature)))
                let (first, second) = (Int(battles[start + 1]), Int(battles[start + 2]))
                let outcome = Double(battles[start + 3])
                wins[first * modelCount + second] += weight * outcome
                wins[second * modelCount + first] += weight * (1 - outcome)
            }
        }
        let ratings = try Self.ratings(wins: wins, count: modelCount)
        return (0..<modelCount).map { model in
            guard modelCount > 1 else { return 1 }
            var sum = 0.0
            for other in 0..<modelCount where other != model {
                sum += 1 / (1 + exp(ratings[other] - ratings[model]))
            }
            return Float(sum / Double(modelCount - 1))
        }
    }

    /// The ratings that make weighted wins (row beats column) most probable, by Newton's method.
    static func ratings(wins: [Double], count: Int) throws(KernelError) -> [Double] {
        var ratings = [Double](repeating: 0, count: count)
        for _ in 0..<50 {
            var slope = ratings.map { -penalty * $0 }
            var curvature = [Double](repeating: 0, count: count * count)
            for place in 0..<count { curvature[place * count + place] = penalty }
            for first in 0..<count {
                for second in 0..<count where second > first {
                    let won = wins[first * count + second], lost = wins[second * count + first]
                    guard won + lost > 0 else { continue }
                    let probability = 1 / (1 + exp(ratings[second] - ratings[first]))
                    let surprise = won - (won + lost) * probability
                    slope[first] += surprise
                    slope[second] -= surprise
                    let bend = (won + lost) * probability * (1 - probability)
                    curvature[first * count + first] += bend
                    curvature[second * count + second] += bend
                    curvature[first * count + second] -= bend
                    curvature[second * count + first] -= bend
                }
            }
            let step = try LinearAlgebra.solvePositiveDefinite(curvature, slope)
            // Far from the optimum a whole step may leap over it.
            let longest = step.map(abs).max() ?? 0
            let share = longest > 2 ? 2 / longest : 1
            for place in ratings.indices { ratings[place] += share * step[place] }
            if longest < 1e-10 { break }
        }
        return ratings
    }

    /// What has to be saved.
    public var parameters: EstimatorParameters {
        EstimatorParameters(
            numbers: ["temperature": temperature, "models": Double(modelCount)],
            tables: ["vectors": vectors, "battles": battles]
        )
    }

    /// Restores an estimator.
    public init(_ parameters: EstimatorParameters) throws(CollabError) {
        try self.init(
            temperature: try parameters.positive("temperature"),
            modelCount: try parameters.whole("models", in: 1...1024),
            vectors: try parameters.table("vectors"),
            battles: try parameters.table("battles", columns: 4)
        )
    }
}

/// Remembers all battles; see ``BradleyTerryEstimator``.
public struct BradleyTerryTraining: RouterTraining {
    /// How fast a question loses weight with its distance.
    public var temperature: Double

    /// Makes a training.
    public init(temperature: Double = 0.1) {
        self.temperature = temperature
    }

    /// What the method and its settings are.
    public var name: String { "Bradley–Terry by similarity, T = \(temperature)" }

    /// Learns. Scores are taken for battles of every two models where only scores are known.
    public func train(
        on set: TrainingSet,
        seed: UInt64,
        progress: (Double) -> Void
    ) throws(CollabError) -> any QualityEstimator {
        guard temperature > 0, temperature.isFinite else {
            throw CollabError(.invalidRequest, "Ratings need a temperature above 0, not \(temperature).")
        }
        guard set.count < 1 << 24, set.models.count <= 1024 else {
            throw CollabError(
                .unsupported,
                "Bradley–Terry takes up to 1,024 models and 16 million questions."
            )
        }
        let vectors = unitRows(try set.features.dense(for: "Bradley–Terry"))
        let values = set.knownBattles.flatMap {
            [Float($0.question), Float($0.first), Float($0.second), Float($0.outcome)]
        }
        guard !values.isEmpty else {
            throw CollabError(.invalidRequest, "No two models were compared on one question.")
        }
        progress(1)
        return try BradleyTerryEstimator(
            temperature: temperature,
            modelCount: set.models.count,
            vectors: vectors,
            battles: Table(columns: 4, values: values)
        )
    }
}

extension RouterTraining where Self == BradleyTerryTraining {
    /// Ratings for the question at hand, from battles on similar questions; see ``BradleyTerryEstimator``.
    public static func bradleyTerry(temperature: Double = 0.1) -> BradleyTerryTraining {
        BradleyTerryTraining(temperature: temperature)
    }
}
