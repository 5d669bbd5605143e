import Collab
import CollabRouting
import Foundation

extension ExperimentRouting {
    /// How often the weak model goes wrong more often than was allowed.
    ///
    /// A third of the questions is learned from. The others stand for all questions that there are, of whom a half drawn
    /// by chance chooses the threshold: the guarantee is about the risk among all of them. On the other half alone, the
    /// chance of that half comes on top.
    func guarantees(
        _ name: String,
        _ pair: RecordedData.Pair,
        risks: [Double],
        splits: Int = 100,
        _ bars: Bars
    ) throws {
        let events: [(name: String, wrong: [Bool])] = [
            ("weak wrong, strong right", zip(pair.weak, pair.strong).map { $0 < 0.5 && $1 >= 0.5 }),
            ("weak wrong", pair.weak.map { $0 < 0.5 }),
        ]
        let delta = 0.1
        func share(_ count: Int) -> String { number(Double(count) / Double(splits)) }
        print(
            "\n\(name): the weak model answers where its risk is low enough, δ = \(delta), \(splits) splits"
        )
        print(row("", "weak share", "violations", "in the other half", "uncalibrated", "in the other half"))
        for event in events {
            var kept = [(share: Double, safe: (all: Int, half: Int), lucky: (all: Int, half: Int))](
                repeating: (0, (0, 0), (0, 0)),
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
                    func violations(_ threshold: CalibratedThreshold) -> (all: Int, half: Int) {
                        func count(_ outcomes: [ScoredOutcome]) -> Int {
                            let accepted = outcomes.filter { threshold.accepts($0.score) }
                            let wrong = accepted.count { $0.quality < 0.5 }
                            return Double(wrong) > risk * Double(accepted.count) ? 1 : 0
                        }
                        return (count(calibration + test), count(test))
                    }
                    let safe = try CalibratedThreshold.keepingRisk(
                        below: risk,
                        failingAtMost: delta,
                        on: calibration
                    )
                    let lucky = try CalibratedThreshold.observingRisk(below: risk, on: calibration)
                    kept[place].share += Double(test.count { safe.accepts($0.score) }) / Double(test.count)
                    let (trusted, observed) = (violations(safe), violations(lucky))
                    kept[place].safe.all += trusted.all
                    kept[place].safe.half += trusted.half
                    kept[place].lucky.all += observed.all
                    kept[place].lucky.half += observed.half
                }
            }
            let worst = kept.map { Double($0.safe.all) / Double(splits) }.max() ?? 0
            let luckiest = kept.map { Double($0.lucky.all) / Double(splits) }.max() ?? 0
            bars.add("\(name), \(event.name), calibrated: violations", worst, atMost: delta)
            bars.add("\(name), \(event.name), uncalibrated: violations", luckiest, atLeast: delta)
            for (risk, kept) in zip(risks, kept) {
                print(
                    row(
                        "\(event.name), at most \(risk)",
                        percent(kept.share / Double(splits)),
                        share(kept.safe.all),
                        share(kept.safe.half),
                        share(kept.lucky.all),
                        share(kept.lucky.half)
                    )
                )
            }
        }
    }
}
