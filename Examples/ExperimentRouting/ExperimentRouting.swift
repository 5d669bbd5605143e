import ArgumentParser
import Collab
import CollabBackends
import CollabRouting
import Foundation

/// Learns from recorded answers whom to ask, and shows what it is worth on questions that were not learned from.
@main
struct ExperimentRouting: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "experiment-routing",
        abstract: "Routes recorded questions between recorded models.",
        discussion: """
            Set COLLAB_DATA to a folder whose api/ holds the recorded answers. Mixtral-8x7B against GPT-4 on MMLU and \
            GSM8K is RouteLLM's evaluation; out of fold, without contaminated questions.
            """
    )

    @Option(help: "The folder with the recorded answers; COLLAB_DATA/api if none.")
    var data: String?

    @Option(help: "Where chance begins: folds, intervals.")
    var seed: UInt64 = 0

    @Option(help: "How many samples an interval is drawn from.")
    var resamples = 200

    @Option(help: "A folder for the curves as SVG.")
    var output = "."

    @Option(help: "A folder with a BERT encoder that embeds the questions; without one, recorded embeddings.")
    var encoder: String?

    func run() async throws {
        let named = data ?? ProcessInfo.processInfo.environment["COLLAB_DATA"].map { $0 + "/api" }
        guard let folder = named else {
            throw ValidationError("Say where the recorded answers are: set COLLAB_DATA, or give --data.")
        }
        guard FileManager.default.fileExists(atPath: folder + "/routellm_mmlu.jsonl.gz") else {
            throw ValidationError("There are no recorded answers in \(folder).")
        }
        let recorded = RecordedData(folder: folder)
        let bars = Bars()
        let mmlu = try await embedded(try recorded.pair("mmlu"))
        let problems = try await embedded(try recorded.pair("gsm8k"))
        try twoModels(
            "mmlu",
            mmlu,
            published: [
                ("arena and gold labels, BERT", 0.572, 0.4130, 0.7220),
                ("causal, 8B", 0.600, 0.3549, 0.7031), ("factorisation", 0.597, 0.3546, 0.7140),
                ("similarity-weighted", 0.603, 0.3540, 0.7155),
            ],
            bars
        )
        try twoModels(
            "gsm8k",
            problems,
            published: [
                ("arena and judge, BERT", 0.531, 0.4476, 0.7909),
                ("causal, 8B", 0.622, 0.3364, 0.6326), ("factorisation", 0.565, 0.3882, 0.7262),
                ("similarity-weighted", 0.568, 0.4121, 0.7220),
            ],
            bars
        )
        try guarantees("mmlu", mmlu, risks: [0.15, 0.2, 0.25], bars)
        try guarantees("gsm8k", problems, risks: [0.25, 0.3, 0.35], bars)
        try nineModels(recorded, bars)
        try comparisons(recorded)
        try online(recorded)
        try agreement(recorded, bars)
        print("\n\(bars)")
        if !bars.areMet { throw ExitCode(1) }
    }

    /// The same questions with the vectors of a native encoder, if one is given.
    private func embedded(_ pair: RecordedData.Pair) async throws -> RecordedData.Pair {
        guard let encoder else { return pair }
        let model = try await NativeEncoder(contentsOf: encoder)
        var pair = pair
        let start = ContinuousClock.now
        pair.vectors = Table(try await model.embed(pair.questions))
        print("\(pair.questions.count) questions embedded by \(model.name) in \(seconds(since: start)) s")
        return pair
    }

    private func twoModels(
        _ name: String,
        _ pair: RecordedData.Pair,
        published: [(name: String, gap: Double, half: Double, fourFifths: Double)],
        _ bars: Bars
    ) throws {
        print("\n\(name), \(pair.questions.count) questions, Mixtral-8x7B against gpt-4-1106")
        var curves: [(name: String, curve: StrongShareCurve)] = []
        func show(_ title: String, _ scores: [Double], drawn: Bool = false, atLeast bar: Double? = nil) {
            let curve = StrongShareCurve(scores: scores, weak: pair.weak, strong: pair.strong)
            let figures = StrongShareCurve.figures(
                scores: scores,
                weak: pair.weak,
                strong: pair.strong,
                resamples: resamples,
                seed: seed
            )
            // A strong call costs 24.7 times a weak one in RouteLLM's cost table.
            let costs = CostQualityCurve(
                curve.qualities.enumerated().map {
                    .init(cost: 1 + 23.7 * Double($0.offset) / Double(curve.count), quality: $0.element)
                }
            )
            func within(_ interval: ConfidenceInterval, _ format: (Double) -> String) -> String {
                "\(format(interval.estimate)) (\(format(interval.lower))–\(format(interval.upper)))"
            }
            print(
                row(
                    title,
                    within(figures.averageGapRecovered, number),
                    within(figures.shareForHalf, tenths),
                    within(figures.shareForFourFifths, tenths),
                    percent(costs.averageQuality(over: 1...24.7))
                )
            )
            if let bar {
                bars.add("\(name), \(title): APGR", figures.averageGapRecovered.estimate, atLeast: bar)
            }
            if drawn { curves.append((title, curve)) }
        }
        print(row("", "APGR (95 %)", "CPT50 (95 %)", "CPT80 (95 %)", "AIQ"))
        let random = StrongShareCurve.randomBand(weak: pair.weak, strong: pair.strong, seed: seed)
        print(row("random", "\(number(random.estimate)) (\(number(random.lower))–\(number(random.upper)))"))
        let ends = StrongShareCurve(scores: pair.weak.map { _ in 0 }, weak: pair.weak, strong: pair.strong)
        let zero = CostQualityCurve([
            .init(cost: 1, quality: ends.weakQuality), .init(cost: 24.7, quality: ends.strongQuality),
        ])
        print(row("weak alone, strong alone", "\(percent(ends.weakQuality)), \(percent(ends.strongQuality))"))
        bars.add("\(name), weak alone, %", ends.weakQuality * 100, is: name == "mmlu" ? 68.09 : 63.73)
        bars.add("\(name), strong alone, %", ends.strongQuality * 100, is: name == "mmlu" ? 80.59 : 85.77)
        print(row("zero router", "0.500", "50.0", "80.0", percent(zero.averageQuality(over: 1...24.7))))
        print("strong baselines, to be beaten first:")
        show("prompt length, untrained", pair.questions.map { Double($0.utf8.count) }, drawn: true)
        let set = try TrainingSet(
            features: .dense(pair.vectors),
            models: ["weak", "strong"],
            scores: pair.scores
        )
        if name == "mmlu" {
            let folds = try CrossValidation.folds(of: set.count, into: 5, seed: seed)
            show("mean of the subject", subjectMeans(pair, folds))
        }
        print("learned, out of fold (and how long all five folds took):")
        func learn(
            _ title: String,
            _ training: some RouterTraining,
            drawn: Bool = false,
            atLeast bar: Double? = nil
        ) throws {
            let start = ContinuousClock.now
            let result = try CrossValidation(of: set, by: training, seed: seed)
            let time = seconds(since: start)
            show("\(title) (\(time) s)", result.advantages(of: 1, over: 0), drawn: drawn, atLeast: bar)
        }
        try learn(
            "embedding, ridge",
            .ridge(penalty: name == "mmlu" ? 30 : 10),
            drawn: true,
            atLeast: name == "gsm8k" ? 0.59 : nil
        )
        try learn("embedding, logistic", .logistic())
        try learn("embedding, 100 neighbours", .neighbours(100), atLeast: name == "mmlu" ? 0.66 : nil)
        try learn("embedding, kernel", .kernel(temperature: 0.1))
        try learn("embedding, 64 clusters", .clusters(64))
        try learn("embedding, Bradley–Terry", .bradleyTerry(temperature: 0.1))
        try learn("embedding, perceptron", .perceptron())
        try learn("embedding, factorisation", .factorization())
        try learn("embedding, dual contrast", .contrastive())
        try learn("embedding, graph", .graph())
        try learn("embedding, ridge and neighbours", .ensemble(.ridge(), .neighbours()), drawn: true)
        try ngrams(pair) { show($0, $1, drawn: true, atLeast: name == "mmlu" ? 0.675 : nil) }
        if name == "mmlu" { try fewLabels(pair, bars) }
        show("oracle", zip(pair.weak, pair.strong).map { $1 - $0 })
        let oracle = StrongShareCurve.oracle(weak: pair.weak, strong: pair.strong)
        bars.add(
            "\(name), oracle: APGR",
            oracle.averageGapRecovered(.tenths),
            is: name == "mmlu" ? 1.268 : 1.115
        )
        for row in published {
            print(
                self.row(
                    "published: \(row.name)",
                    number(row.gap),
                    tenths(row.half),
                    tenths(row.fourFifths)
                )
            )
        }
        let path = output + "/routing-\(name).svg"
        try CurveDrawing.svg(title: "Mixtral-8x7B and GPT-4 on \(name)", curves)
            .write(toFile: path, atomically: true, encoding: .utf8)
        print("the curves are in \(path)")
    }

    private func ngrams(
        _ pair: RecordedData.Pair,
        show: (String, [Double]) -> Void
    ) throws {
        let start = ContinuousClock.now
        let features = NGramFeatures(words: 1...2, characters: nil, buckets: 1 << 18)
        let counts = pair.questions.map(features.counts)
        func weighted(_ learning: [Int]) -> FeatureTable {
            let weights = InverseDocumentFrequency(counting: learning.map { counts[$0] })
            return .sparse(counts.map(weights.weighted), buckets: 1 << 18)
        }
        let set = try TrainingSet(
            features: .sparse(counts, buckets: 1 << 18),
            models: ["weak", "strong"],
            scores: pair.scores
        )
        let result = try CrossValidation(
            of: set,
            by: .ridge(penalty: 3),
            features: { weighted($0) },
            seed: seed
        )
        show("hashed TF-IDF, ridge (\(seconds(since: start)) s)", result.advantages(of: 1, over: 0))
    }

    /// Learns from 1,500 questions and is judged on all others, five times.
    private func fewLabels(_ pair: RecordedData.Pair, _ bars: Bars) throws {
        for (name, training) in [
            ("logistic", LogisticTraining(penalty: 3) as any RouterTraining),
            ("100 neighbours", NeighbourTraining(neighbours: 100)), ("ridge", RidgeTraining(penalty: 10)),
        ] {
            var found: [Double] = []
            for draw in 0..<5 {
                var generator = SeededGenerator(seed: seed &+ UInt64(draw))
                let order = Array(pair.weak.indices).shuffled(using: &generator)
                let (learning, rest) = (Array(order.prefix(1500)), Array(order.dropFirst(1500)))
                let set = try TrainingSet(
                    features: .dense(pair.vectors.selecting(learning)),
                    models: ["weak", "strong"],
                    scores: pair.scores.selecting(learning)
                )
                let estimator = try training.train(on: set, seed: seed)
                let table = try estimator.qualities(of: .dense(pair.vectors.selecting(rest)))
                let curve = StrongShareCurve(
                    scores: (0..<table.rows).map { Double(table[$0, 1] - table[$0, 0]) },
                    weak: rest.map { pair.weak[$0] },
                    strong: rest.map { pair.strong[$0] }
                )
                found.append(curve.averageGapRecovered(.tenths))
            }
            let range = "\(number(found.min() ?? .nan))–\(number(found.max() ?? .nan)) of 5 draws"
            print(row("1,500 labels, \(name)", number(found.reduce(0, +) / 5), range))
            if name == "logistic" {
                bars.add("mmlu, 1,500 labels, \(name): APGR", found.reduce(0, +) / 5, atLeast: 0.62)
            }
        }
    }

    private func subjectMeans(_ pair: RecordedData.Pair, _ folds: [Int]) -> [Double] {
        var sums: [String: (gain: Double, count: Double)] = [:]
        for place in folds.indices {
            for fold in 0..<5 where fold != folds[place] {
                let gain = pair.strong[place] - pair.weak[place]
                sums["\(fold) \(pair.subjects[place])", default: (0, 0)].gain += gain
                sums["\(fold) \(pair.subjects[place])", default: (0, 0)].count += 1
            }
        }
        return folds.indices.map { place in
            let sum = sums["\(folds[place]) \(pair.subjects[place])"]
            return sum.map { $0.gain / $0.count } ?? 0
        }
    }

    private func nineModels(_ recorded: RecordedData, _ bars: Bars) throws {
        let (models, prices, scores, vectors) = try recorded.nine()
        let set = try TrainingSet(features: .dense(vectors), models: models, scores: scores)
        let costs = Dictionary(uniqueKeysWithValues: zip(models, prices))
        let means = models.indices.map { model in
            scores.column(model).reduce(0.0) { $0 + Double($1) } / Double(scores.rows)
        }
        let best = means.indices.max { means[$0] < means[$1] } ?? 0
        print("\nnine models, \(scores.rows) questions, out of fold")
        print(row("", "quality", "mean price"))
        print(row("best single: \(models[best])", number(means[best]), number(prices[best])))
        let zero = CostQualityCurve.zeroRouter(qualities: scores, costs: prices)
        let range = (zero.hull.first?.cost ?? 0)...(zero.hull.last?.cost ?? 1)
        for (name, training) in [
            ("40 neighbours", NeighbourTraining(neighbours: 40) as any RouterTraining),
            ("ridge", RidgeTraining(penalty: 10)),
        ] {
            let result = try crossValidation(set, training)
            var points: [CostQualityCurve.Point] = []
            for weight in [0, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 10] {
                let tradeoff = CostTradeoff(weight: weight, costs: costs)
                var point = CostQualityCurve.Point(cost: 0, quality: 0)
                for place in 0..<scores.rows {
                    let estimated = result.qualities.row(place).map { Optional(Double($0)) }
                    guard let choice = tradeoff.choice(estimated, names: models, question: "") else {
                        continue
                    }
                    point.cost += prices[choice] / Double(scores.rows)
                    point.quality += Double(scores[place, choice]) / Double(scores.rows)
                }
                points.append(point)
                if weight == 0.1, name == "40 neighbours" {
                    bars.add("nine models, \(name), λ = 0.1: quality", point.quality, atLeast: means[best])
                    bars.add("nine models, \(name), λ = 0.1: price", point.cost, atMost: prices[best] / 2)
                }
                if weight <= 0.2 {
                    print(row("\(name), λ = \(weight)", number(point.quality), number(point.cost)))
                }
            }
            let curve = CostQualityCurve(points + zero.points)
            print(row("\(name), AIQ", number(curve.averageQuality(over: range))))
        }
        print(row("zero router, AIQ", number(zero.averageQuality(over: range))))
    }

    private func crossValidation(
        _ set: TrainingSet,
        _ training: some RouterTraining
    ) throws -> CrossValidation {
        try CrossValidation(of: set, by: training, seed: seed)
    }

    private func agreement(_ recorded: RecordedData, _ bars: Bars) throws {
        let rows = try recorded.agreement()
        var (right, calls, strong) = (0, 0, 0)
        for row in rows {
            let agrees = row.first != nil && row.first == row.second
            if !agrees { calls += 1 }
            if agrees ? row.secondRight : row.strongRight { right += 1 }
            if row.strongRight { strong += 1 }
        }
        let count = Double(rows.count)
        print("\ngsm8k: where the verified 175B model and Mixtral agree, their answer; else gpt-4-1106")
        print(row("strong alone", percent(Double(strong) / count)))
        print(
            row(
                "agreement",
                percent(Double(right) / count),
                "\(percent(Double(calls) / count)) % strong calls"
            )
        )
        bars.add("gsm8k, agreement: right, %", Double(right) / count * 100, atLeast: 87)
        bars.add("gsm8k, agreement: strong calls, %", Double(calls) / count * 100, atMost: 56)
    }

    func row(_ name: String, _ cells: String...) -> String {
        name.padding(toLength: 40, withPad: " ", startingAt: 0)
            + cells.map { " \($0)" }.joined(separator: "  ")
    }
    func number(_ value: Double) -> String { String(format: "%.3f", value) }
    func percent(_ value: Double) -> String { String(format: "%.2f", value * 100) }
    func tenths(_ value: Double) -> String { String(format: "%.1f", value * 100) }
    func seconds(since start: ContinuousClock.Instant) -> String {
        let elapsed = (ContinuousClock.now - start).components
        return String(format: "%.1f", Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18)
    }
}
