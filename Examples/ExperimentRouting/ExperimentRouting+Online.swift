import Collab
import CollabRouting
import Foundation

extension ExperimentRouting {
    /// Bandits that see the questions one after another, and only the score of the model that they asked.
    ///
    /// Axes are made of the first 500 questions, without their scores. What counts is the mean score less λ times the
    /// price over the second half.
    func online(_ recorded: RecordedData, weight: Double = 0.1, orders: Int = 3) throws {
        let (models, prices, scores, vectors) = try recorded.nine()
        func worth(_ row: Int, _ model: Int) -> Double { Double(scores[row, model]) - weight * prices[model] }
        print("\nnine models, one question after another, score − \(weight) × price over the second half")
        var sums: [(name: String, value: Double)] = []
        func add(_ name: String, _ value: Double) {
            if let place = sums.firstIndex(where: { $0.name == name }) {
                sums[place].value += value / Double(orders)
            } else {
                sums.append((name, value / Double(orders)))
            }
        }
        for draw in 0..<orders {
            var generator = SeededGenerator(seed: seed &+ UInt64(draw))
            let order = Array(0..<scores.rows).shuffled(using: &generator)
            let half = order[(order.count / 2)...]
            func mean(_ value: (Int) -> Double) -> Double {
                half.reduce(0) { $0 + value($1) } / Double(half.count)
            }
            add(
                "by chance",
                mean { row in models.indices.reduce(0) { $0 + worth(row, $1) } / Double(models.count) }
            )
            add("best single", models.indices.map { model in mean { worth($0, model) } }.max() ?? .nan)
            let axes = try PrincipalAxes(of: vectors.selecting(Array(order.prefix(500))), count: 32)
            for (name, exploration) in [
                ("LinUCB, α = 0.1", LinearBandit.Exploration.upperConfidence(0.1)),
                ("Thompson, v = 0.1", .thompson(0.1)), ("Thompson, v = 0.3", .thompson(0.3)),
            ] {
                var bandit = try LinearBandit(
                    models: models.count,
                    dimension: vectors.columns,
                    axes: axes,
                    exploration: exploration,
                    costWeight: weight,
                    prices: prices
                )
                var earned = 0.0
                for (step, row) in order.enumerated() {
                    let question = Array(vectors.row(row))
                    let values = bandit.values(for: question, seed: generator.next())
                    let choice = values.indices.max { values[$0] < values[$1] } ?? 0
                    bandit.learn(model: choice, question: question, quality: Double(scores[row, choice]))
                    if step >= order.count / 2 { earned += worth(row, choice) / Double(half.count) }
                }
                add(name, earned)
            }
            add("always knowing", mean { row in models.indices.map { worth(row, $0) }.max() ?? .nan })
        }
        for (name, value) in sums { print(row(name, number(value))) }
    }
}
