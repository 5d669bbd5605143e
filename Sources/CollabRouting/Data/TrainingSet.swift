public import Collab

/// Questions as numbers, and what is known of each model on them.
public struct TrainingSet: Sendable {
    /// The questions as numbers.
    public let features: FeatureTable
    /// The models' names, in the order of the scores' columns.
    public let models: [String]
    /// How good each model's answer to each question was, 0…1; NaN where nobody knows.
    public let scores: Table
    /// Comparisons of two models on one question.
    public let battles: [Battle]

    /// Makes a training set.
    ///
    /// - Parameters:
    ///   - features: one row a question.
    ///   - models: at least one, each once.
    ///   - scores: one row a question, one column a model; `nil` if only battles are known.
    ///   - battles: comparisons; may be empty.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` where the parts do not fit each other, where a battle is of a
    /// model with itself or names what is not there, and where nothing at all is known.
    public init(
        features: FeatureTable,
        models: [String],
        scores: Table? = nil,
        battles: [Battle] = []
    ) throws(CollabError) {
        let table = scores ?? Table(rows: features.count, columns: models.count, repeating: .nan)
        guard !models.isEmpty, Set(models).count == models.count else {
            throw CollabError(.invalidRequest, "A router needs models, each named once; these are \(models).")
        }
        guard table.rows == features.count, table.columns == models.count else {
            throw CollabError(
                .invalidRequest,
                "\(features.count) questions and \(models.count) models do not fit scores of \(table.rows) × \(table.columns)."
            )
        }
        for battle in battles {
            guard models.indices.contains(battle.first), models.indices.contains(battle.second),
                (0..<features.count).contains(battle.question), (0...1).contains(battle.outcome)
            else {
                throw CollabError(.invalidRequest, "There is no such battle: \(battle).")
            }
            guard battle.first != battle.second else {
                throw CollabError(
                    .invalidRequest,
                    "\(models[battle.first]) was compared with itself on question \(battle.question)."
                )
            }
        }
        guard !battles.isEmpty || table.values.contains(where: { !$0.isNaN }) else {
            throw CollabError(.invalidRequest, "There is nothing to learn from: no score and no comparison.")
        }
        if table.values.contains(where: \.isInfinite) {
            throw CollabError(.notFinite, "A score is infinite.")
        }
        self.features = features
        self.models = models
        self.scores = table
        self.battles = battles
    }

    /// How many questions there are.
    public var count: Int { features.count }

    /// The questions at some places, in the order of the places, with the battles on them.
    public func selecting(_ places: [Int]) throws(CollabError) -> TrainingSet {
        var chosen: [Battle] = []
        if !battles.isEmpty {
            let byQuestion = Dictionary(grouping: battles, by: \.question)
            for (place, old) in places.enumerated() {
                for var battle in byQuestion[old] ?? [] {
                    battle.question = place
                    chosen.append(battle)
                }
            }
        }
        return try TrainingSet(
            features: features.selecting(places),
            models: models,
            scores: scores.selecting(places),
            battles: chosen
        )
    }

    /// The scores; where only battles are known, the mean share that a model won on the question.
    public var knownScores: Table {
        if battles.isEmpty { return scores }
        var sums = [Double](repeating: 0, count: scores.values.count)
        var counts = [Double](repeating: 0, count: scores.values.count)
        for battle in battles {
            let row = battle.question * models.count
            for (model, outcome) in [
                (battle.first, battle.outcome), (battle.second, 1 - battle.outcome),
            ] {
                sums[row + model] += outcome
                counts[row + model] += 1
            }
        }
        var result = scores
        for place in sums.indices where result.values[place].isNaN && counts[place] > 0 {
            result.values[place] = Float(sums[place] / counts[place])
        }
        return result
    }

    /// The battles; where only scores are known, one of every two models on every question. Ties are kept.
    ///
    /// Scores between 0 and 1 that differ by less than a hundredth tie.
    var knownBattles: [Battle] {
        if !battles.isEmpty { return battles }
        var result: [Battle] = []
        for question in 0..<count {
            for first in models.indices {
                for second in models.indices where second > first {
                    let (a, b) = (scores[question, first], scores[question, second])
                    if a.isNaN || b.isNaN { continue }
                    let outcome = abs(a - b) < 0.01 ? 0.5 : a > b ? 1.0 : 0.0
                    result.append(
                        Battle(question: question, first: first, second: second, outcome: outcome)
                    )
                }
            }
        }
        return result
    }
}
