import Collab
import CollabRouting
import Foundation

extension ExperimentRouting {
    /// How often the weak model goes wrong more often than was allowed, on questions that no threshold was chosen on.
    ///
    /// A third of the questions is learned from, a third chooses the threshold, a third is answered.
    func guarantees(_ name: String, _ pair: RecordedData.Pair, risks: [Double], splits: Int = 40) throws {
        let events: [(name: String, wrong: [Bool])] = [
            ("weak wrong, strong right", zip(pair.weak, pair.strong).map { $0 < 0.5 && $1 >= 0.5 }),
            ("weak wrong", pair.weak.map { $0 < 0.5 }),
        ]
        let delta = 0.1
        print(
            "\n\(name): the weak model answers where its risk is low enough, δ = \(delta), \(splits) splits"
        )
        print(row("", "weak share", "violations", "violations, uncalibrated"))
        for event in events {
            var kept = [(share: Double, violations: Int, lucky: Int)](
                repeating: (0, 0, 0),
                count: risks.count
            )
            for split in 0..<splits {
                var generator = SeededGenerator(seed: seed &+ UInt64(split))
                let order = Array(pair.weak.indices).shuffled(using: &generator)
                let third = order.count / 3
                let learning = Array(order[..<third])
                let set = try TrainingSet(
                    features: .dense(pair.vectors.selecting(learning)),
                    models: ["risk"],
                    scores: Table(learning.map { [event.wrong[$0] ? 1 : 0] })
                )
                let estimator = try RidgeTraining(penalty: 10).train(on: set)
                func outcomes(_ places: ArraySlice<Int>) throws -> [ScoredOutcome] {
                    let table = try estimator.qualities(of: .dense(pair.vectors.selecting(Array(places))))
                    return zip(places, table.values).map {
                        ScoredOutcome(score: -Double($1), wasRight: !event.wrong[$0])
                    }
                }
                let calibration = try outcomes(order[third..<2 * third])
                let test = try outcomes(order[(2 * third)...])
                for (place, risk) in risks.enumerated() {
                    func isViolated(_ threshold: CalibratedThreshold) -> Bool {
                        let accepted = test.filter { threshold.accepts($0.score) }
                        return Double(accepted.count { $0.quality < 0.5 }) > risk * Double(accepted.count)
                    }
                    let safe = try CalibratedThreshold.keepingRisk(
                        below: risk,
                        failingAtMost: delta,
                        on: calibration
                    )
                    kept[place].share += Double(test.count { safe.accepts($0.score) }) / Double(test.count)
                    kept[place].violations += isViolated(safe) ? 1 : 0
                    let lucky = try CalibratedThreshold.observingRisk(below: risk, on: calibration)
                    kept[place].lucky += isViolated(lucky) ? 1 : 0
                }
            }
            for (risk, kept) in zip(risks, kept) {
                print(
                    row(
                        "\(event.name), at most \(risk)",
                        percent(kept.share / Double(splits)),
                        number(Double(kept.violations) / Double(splits)),
                        number(Double(kept.lucky) / Double(splits))
                    )
                )
            }
        }
    }
}
