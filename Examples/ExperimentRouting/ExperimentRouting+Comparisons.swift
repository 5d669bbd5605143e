import Collab
import CollabRouting
import Foundation

extension ExperimentRouting {
    /// Learns from who beat whom alone, on four fifths of the questions, and chooses among nine models on the rest.
    func comparisons(_ recorded: RecordedData) throws {
        let (models, _, scores, vectors) = try recorded.nine()
        var generator = SeededGenerator(seed: seed)
        let order = Array(0..<scores.rows).shuffled(using: &generator)
        let learning = Array(order.prefix(order.count * 4 / 5)), rest = Array(order.dropFirst(learning.count))
        var battles: [Battle] = []
        for (place, row) in learning.enumerated() {
            for first in models.indices {
                for second in models.indices where scores[row, first] > scores[row, second] {
                    battles.append(Battle(question: place, first: first, second: second, outcome: 1))
                }
            }
        }
        func mean(_ choice: (Int) -> Int) -> Double {
            rest.indices.reduce(0) { $0 + Double(scores[rest[$1], choice($1)]) } / Double(rest.count)
        }
        print(
            "\nnine models, learned from \(battles.count) comparisons, judged on \(rest.count) other questions"
        )
        let single = models.indices.max { a, b in mean { _ in a } < mean { _ in b } } ?? 0
        print(row("best single: \(models[single])", number(mean { _ in single })))
        let features = FeatureTable.dense(vectors.selecting(learning))
        let compared = try TrainingSet(features: features, models: models, battles: battles)
        let scored = try TrainingSet(features: features, models: models, scores: scores.selecting(learning))
        let steps = AdamSettings(rate: 1e-3, batch: 64, epochs: 8, decay: 1e-5)
        for (name, training, set) in [
            ("factorisation", FactorizationTraining(steps: steps) as any RouterTraining, compared),
            (
                "factorisation, unit models", FactorizationTraining(hasUnitModels: true, steps: steps),
                compared
            ),
            ("Bradley–Terry, T = 0.1", BradleyTerryTraining(temperature: 0.1), compared),
            ("ridge on shares of wins", RidgeTraining(penalty: 10), compared),
            ("ridge on the scores themselves", RidgeTraining(penalty: 10), scored),
        ] {
            let start = ContinuousClock.now
            let estimator = try training.train(on: set, seed: seed)
            let learned = seconds(since: start)
            let table = try estimator.qualities(of: .dense(vectors.selecting(rest)))
            let value = mean { place in
                models.indices.max { table[place, $0] < table[place, $1] } ?? 0
            }
            print(row("\(name) (\(learned) s)", number(value)))
        }
        let oracle = rest.reduce(0.0) { sum, row in
            sum + Double(models.indices.map { scores[row, $0] }.max() ?? 0)
        }
        print(row("always knowing", number(oracle / Double(rest.count))))
    }
}
