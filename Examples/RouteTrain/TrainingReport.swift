import Collab
import CollabRouting
import Foundation

/// What a method is worth on questions that it did not learn from, beside the models themselves and beside trivial rules.
struct TrainingReport: CustomStringConvertible {
    /// Lines for people.
    private(set) var lines: [String] = []
    /// The same in a few words, to be saved with the router.
    private(set) var facts: [String: String] = [:]

    var description: String { lines.joined(separator: "\n") }

    init(
        of set: TrainingSet,
        questions: [String],
        _ result: CrossValidation,
        folds: Int,
        showingErrors: Bool
    ) {
        let scores = set.knownScores
        lines = ["\(set.count) questions, \(set.models.count) models, \(folds) folds"]
        let compared = (0..<set.count).filter { row in
            set.models.indices.count { !scores[row, $0].isNaN } > 1
        }
        if compared.isEmpty {
            lines.append(
                "No question was answered by two models, so choices cannot be judged, only estimates."
            )
        } else {
            choices(set, scores, compared, result)
        }
        if showingErrors { estimates(set, scores, result) }
        if set.models.count == 2, compared.count == set.count { curve(set, scores, questions, result) }
    }

    private static func text(_ value: Double) -> String { String(format: "%.4f", value) }

    /// The mean score on questions of which at least two models' scores are known: alone, routed, and at best.
    private mutating func choices(
        _ set: TrainingSet,
        _ scores: Table,
        _ compared: [Int],
        _ result: CrossValidation
    ) {
        lines.append("mean score on the \(compared.count) questions that at least two models answered:")
        var (routed, oracle) = (0.0, 0.0)
        var alone = set.models.map { _ in (sum: 0.0, count: 0.0) }
        for row in compared {
            let known = set.models.indices.filter { !scores[row, $0].isNaN }
            for model in known {
                alone[model].sum += Double(scores[row, model])
                alone[model].count += 1
            }
            let choice = known.max { result.qualities[row, $0] < result.qualities[row, $1] }
            routed += choice.map { Double(scores[row, $0]) } ?? 0
            oracle += Double(known.map { scores[row, $0] }.max() ?? 0)
        }
        let count = Double(compared.count)
        for (name, own) in zip(set.models, alone) where own.count > 0 {
            let share = own.count < count ? ", which answered \(Int(own.count)) of them" : ""
            lines.append("  \(Self.text(own.sum / own.count))  \(name)\(share)")
        }
        lines.append("  \(Self.text(routed / count))  routed, out of fold")
        lines.append("  \(Self.text(oracle / count))  always the best")
        facts["score out of fold"] = Self.text(routed / count)
        let best = zip(set.models, alone).filter { $0.1.count == count }.max { $0.1.sum < $1.1.sum }
        if let best {
            facts["score of the best model alone"] = "\(Self.text(best.1.sum / count)) (\(best.0))"
        }
    }

    /// How far estimates are off, beside always saying the model's mean.
    private mutating func estimates(_ set: TrainingSet, _ scores: Table, _ result: CrossValidation) {
        lines.append("mean squared error of the estimates, out of fold (of always saying the mean):")
        for (model, name) in set.models.enumerated() {
            let rows = (0..<set.count).filter { !scores[$0, model].isNaN }
            guard !rows.isEmpty else { continue }
            let mean = rows.reduce(0.0) { $0 + Double(scores[$1, model]) } / Double(rows.count)
            var (error, spread) = (0.0, 0.0)
            for row in rows {
                let score = Double(scores[row, model])
                error +=
                    (Double(result.qualities[row, model]) - score)
                    * (Double(result.qualities[row, model]) - score)
                spread += (score - mean) * (score - mean)
            }
            lines.append(
                "  \(Self.text(error / Double(rows.count))) (\(Self.text(spread / Double(rows.count))))  \(name)"
            )
        }
    }

    /// Of two models the share of the gap that is recovered, beside the length of the question alone.
    private mutating func curve(
        _ set: TrainingSet,
        _ scores: Table,
        _ questions: [String],
        _ result: CrossValidation
    ) {
        let columns = [0, 1].map { model in scores.column(model).map { Double($0) } }
        let strong = columns[1].reduce(0, +) >= columns[0].reduce(0, +) ? 1 : 0
        func figures(_ scores: [Double]) -> StrongShareCurve.Figures {
            StrongShareCurve.figures(
                scores: scores,
                weak: columns[1 - strong],
                strong: columns[strong],
                grid: .exact,
                resamples: 200
            )
        }
        lines.append("\(set.models[strong]) over \(set.models[1 - strong]), gap recovered (0.5 by chance):")
        for (name, scores) in [
            ("learned, out of fold", result.advantages(of: strong, over: 1 - strong)),
            ("length of the question, untrained", questions.map { Double($0.utf8.count) }),
        ] {
            let found = figures(scores)
            let gap = found.averageGapRecovered
            let half = found.shareForHalf.estimate
            lines.append(
                String(format: "  %.3f (%.3f–%.3f)  ", gap.estimate, gap.lower, gap.upper) + name
                    + (half.isFinite
                        ? String(format: "; half of it with %.1f %% strong calls", half * 100) : "")
            )
            facts["gap recovered, \(name)"] = String(format: "%.3f", gap.estimate)
        }
    }
}
