import Collab
import CollabBackends
import CollabKernels
import CollabRouting
import Foundation
import Testing

@Suite("Learning whom to ask", .enabled(if: LinearAlgebra.isAvailable, "install OpenBLAS"))
struct LearningTests {
    /// Two kinds of questions; one model knows the first kind, the other the second.
    static func kinds(_ count: Int = 120) throws -> TrainingSet {
        var generator = SeededGenerator(seed: 5)
        let rows: [[Float]] = (0..<count).map { place in
            let kind = place % 2
            return (0..<4).map { Float($0 == kind ? 1 : 0.3 * generator.nextUnit()) }
        }
        let scores: [[Float]] = (0..<count).map { $0 % 2 == 0 ? [1, 0] : [0, 1] }
        return try TrainingSet(
            features: .dense(Table(rows)),
            models: ["first", "second"],
            scores: Table(scores)
        )
    }

    static let quick = AdamSettings(rate: 0.02, batch: 16, epochs: 40)

    static let trainings: [any RouterTraining] = [
        RidgeTraining(penalty: 1), NeighbourTraining(neighbours: 9), KernelTraining(temperature: 0.1),
        ClusterTraining(clusters: 2), BradleyTerryTraining(temperature: 0.1), LogisticTraining(),
        FactorizationTraining(rank: 8, steps: quick),
        FactorizationTraining(rank: 8, hasUnitModels: true, steps: quick),
        PerceptronTraining(hidden: [8], steps: quick),
        PerceptronTraining(hidden: [], isLogistic: false, steps: quick),
        ContrastiveTraining(rank: 4, clusters: 2, steps: quick),
        GraphTraining(tasks: 2, hidden: 8, steps: quick),
        EnsembleTraining([RidgeTraining(penalty: 1), NeighbourTraining(neighbours: 9)]),
    ]

    @Test("every method sends questions to the model that knows their kind", arguments: trainings.indices)
    func separates(_ index: Int) throws {
        let set = try Self.kinds()
        let estimator = try Self.trainings[index].train(on: set)
        let found = try estimator.qualities(of: .dense(Table([[1, 0.1, 0, 0.1], [0, 1, 0.1, 0.1]])))
        #expect(found[0, 0] > found[0, 1] + 0.3)
        #expect(found[1, 1] > found[1, 0] + 0.3)
    }

    @Test("every method survives being saved and loaded, with its facts", arguments: trainings.indices)
    func saves(_ index: Int) async throws {
        let questions = (0..<40).map {
            $0 % 2 == 0 ? "add \($0) and \($0 * 7) numbers" : "who wrote book \($0)"
        }
        let model = NGramEmbedding(dimension: 32)
        let features = RoutingFeatures.embedding(model)
        let set = try TrainingSet(
            features: try await features.table(of: questions),
            models: ["sums", "books"],
            scores: Table((0..<40).map { $0 % 2 == 0 ? [1, 0] : [0, 1] })
        )
        let router = try LearnedRouter(
            models: set.models,
            features: features,
            estimator: try Self.trainings[index].train(on: set),
            facts: ["questions": "40"]
        )
        let folder = NSTemporaryDirectory() + "router-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try router.save(to: folder)
        let loaded = try LearnedRouter(contentsOf: folder, embeddedBy: model)
        #expect(loaded.facts == ["questions": "40"])
        let before = try await router.qualities(for: "who wrote it")
        #expect(try await loaded.qualities(for: "who wrote it") == before)
        let decision = try await loaded.route(
            Request("who wrote book 8"),
            among: ["books", "stranger", "sums"].map { RouteCandidate(name: $0) }
        )
        #expect(decision.choice == 0)
        #expect(decision.scores[1] == nil)
        #expect(decision.scores[0] != nil && decision.scores[2] != nil)
        #expect(throws: CollabError.self) { try LearnedRouter(contentsOf: folder) }
        // A file that is cut is refused, not trusted.
        let path = folder + "/router.safetensors"
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: path))
        #expect(throws: CollabError.self) { try LearnedRouter(contentsOf: folder, embeddedBy: model) }
        try Data(#"{"format": "collab-router", "version": 1, "method": "other"}"#.utf8)
            .write(to: URL(fileURLWithPath: folder + "/router.json"))
        #expect(throws: CollabError.self) { try LearnedRouter(contentsOf: folder, embeddedBy: model) }
    }

    static let policies: [RoutingPolicy] = [
        .best, .threshold(weak: "b", strong: "a", gain: 0.25),
        .costAware(CostTradeoff(weight: 0.5, costs: ["a": 2, "b": 0.125], dearShare: 0.75, tolerance: 1e-7)),
    ]

    @Test("a router keeps its policy when it is saved, unless another is given", arguments: policies)
    func policy(_ policy: RoutingPolicy) async throws {
        let router = try LearnedRouter(
            models: ["a", "b"],
            features: .embedding(NGramEmbedding(dimension: 2)),
            estimator: LinearEstimator(weights: Table([[0, 0], [0, 0]]), intercepts: [0.9, 0.5]),
            policy: policy
        )
        let folder = NSTemporaryDirectory() + "router-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try router.save(to: folder)
        let model = NGramEmbedding(dimension: 2)
        let loaded = try LearnedRouter(contentsOf: folder, embeddedBy: model)
        #expect(loaded.policy == policy)
        #expect(try LearnedRouter(contentsOf: folder, embeddedBy: model, policy: .best).policy == .best)
        let candidates = ["b", "a"].map { RouteCandidate(name: $0) }
        let decision = try await loaded.route(Request("?"), among: candidates)
        #expect(decision.rule == "\(policy)")
        if case .costAware = policy {
            #expect(decision.choice == 0)
            #expect(decision.costs == [0.125, 2])
        } else {
            #expect(decision.choice == 1)
            #expect(decision.costs == nil)
        }
        // A policy that cannot be is refused, not replaced.
        let path = folder + "/router.json"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for kind in ["best", "threshold", "cost-aware"] where text.contains("\"\(kind)\"") {
            try text.replacingOccurrences(of: "\"\(kind)\"", with: "\"luck\"")
                .write(toFile: path, atomically: true, encoding: .utf8)
        }
        let error = #expect(throws: CollabError.self) {
            try LearnedRouter(contentsOf: folder, embeddedBy: model)
        }
        #expect(error?.code == .malformedFile)
    }

    @Test("what cannot be written as a number is not saved")
    func unsaveable() throws {
        let router = try LearnedRouter(
            models: ["a"],
            features: .embedding(NGramEmbedding(dimension: 2)),
            estimator: LinearEstimator(weights: Table([[0, 0]]), intercepts: [0]),
            policy: .threshold(weak: "b", strong: "a", gain: .infinity)
        )
        let folder = NSTemporaryDirectory() + "router-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let error = #expect(throws: CollabError.self) { try router.save(to: folder) }
        #expect(error?.code == .notFinite)
    }

    @Test("ridge over sparse features solves the same equations as over dense ones")
    func sparse() throws {
        var generator = SeededGenerator(seed: 2)
        let rows: [[Float]] = (0..<50).map { _ in
            (0..<6).map { _ in generator.nextUnit() < 0.5 ? Float(generator.nextUnit()) : 0 }
        }
        let scores = Table(rows.map { [$0[0] > 0.3 ? 1 : 0, Float($0[1])] })
        let sparse = rows.map { row in
            SparseVector(
                Dictionary(
                    uniqueKeysWithValues: row.indices.filter { row[$0] != 0 }.map { (UInt32($0), row[$0]) }
                )
            )
        }
        let dense = FeatureTable.dense(Table(rows)), few = FeatureTable.sparse(sparse, buckets: 6)
        let a = try RidgeTraining(penalty: 2).train(
            on: TrainingSet(features: dense, models: ["a", "b"], scores: scores)
        ).qualities(of: dense)
        let b = try RidgeTraining(penalty: 2).train(
            on: TrainingSet(features: few, models: ["a", "b"], scores: scores)
        ).qualities(of: few)
        for (x, y) in zip(a.values, b.values) { #expect(abs(x - y) < 1e-4) }
    }

    @Test("ridge of one feature is what a hand computes")
    func ridgeByHand() throws {
        // x − x̄ = −1, 0, 1 and y − ȳ = −1, 0, 1: w = 2 ∕ (2 + λ) = 0.5 for λ = 2; b = ȳ − w x̄ = 2 − 0.5 · 2 = 1.
        let set = try TrainingSet(
            features: .dense(Table([[1], [2], [3]])),
            models: ["a"],
            scores: Table([[1], [2], [3]])
        )
        let estimator = try RidgeTraining(penalty: 2).train(on: set)
        let found = try estimator.qualities(of: .dense(Table([[0], [4]]))).values
        #expect(abs(found[0] - 1) < 1e-6 && abs(found[1] - 3) < 1e-6)
    }

    @Test("Bradley–Terry keeps ties and gives the share of wins")
    func battles() throws {
        // On the same question the first won three times, lost once and tied twice: 4 of 6.
        let battles = [1, 1, 1, 0, 0.5, 0.5].map { Battle(question: 0, first: 0, second: 1, outcome: $0) }
        let set = try TrainingSet(
            features: .dense(Table([[1, 0]])),
            models: ["a", "b"],
            battles: battles
        )
        let found = try BradleyTerryTraining().train(on: set).qualities(of: .dense(Table([[1, 0]])))
        #expect(abs(found[0, 0] - 2.0 / 3) < 1e-3)
        #expect(throws: CollabError.self) {
            try TrainingSet(
                features: .dense(Table([[1, 0]])),
                models: ["a", "b"],
                battles: [Battle(question: 0, first: 1, second: 1, outcome: 1)]
            )
        }
    }

    @Test("out of fold, nobody is judged on what it learned")
    func outOfFold() throws {
        // Scores by chance: a single nearest neighbour knows them by heart, but out of fold nothing of them.
        var generator = SeededGenerator(seed: 9)
        let rows: [[Float]] = (0..<200).map { _ in (0..<8).map { _ in Float(generator.nextUnit()) } }
        let scores = Table(rows.map { _ in [generator.nextUnit() < 0.5 ? 1 : 0] })
        let set = try TrainingSet(features: .dense(Table(rows)), models: ["a"], scores: scores)
        let result = try CrossValidation(of: set, by: .neighbours(1), seed: 1)
        let hits = (0..<200).filter { result.qualities[$0, 0] == scores[$0, 0] }.count
        #expect(70...130 ~= hits)
        #expect(try CrossValidation(of: set, by: .neighbours(1), seed: 1).qualities == result.qualities)
        #expect(Set(result.folds) == Set(0..<5))
    }

    @Test("a budget is met by the weight of cost, ties going both ways")
    func budget() throws {
        let qualities = Table((0..<100).map { [0.5, 0.5 + Float($0 % 10) / 10] })
        let costs = ["cheap": 1.0, "dear": 3.0]
        let tradeoff = try CostTradeoff.fitted(
            qualities: qualities,
            models: ["cheap", "dear"],
            costs: costs,
            meanBudget: 1.5
        )
        // A quarter of the questions may be dear; they come in tenths, so that one tenth is split.
        #expect(abs(tradeoff.dearShare - 0.5) < 1e-6)
        #expect(abs(tradeoff.weight - 0.35) < 1e-4)
        let names = ["cheap", "dear"]
        #expect(tradeoff.choice([0.5, 1.4], names: names, question: "q") == 1)
        #expect(tradeoff.choice([0.5, 1.1], names: names, question: "q") == 0)
        let tied = (0..<400).filter {
            tradeoff.choice([0.5, Double(Float(1.2))], names: names, question: "question \($0)") == 1
        }
        #expect(150...250 ~= tied.count)
        #expect(throws: CollabError.self) {
            try CostTradeoff.fitted(qualities: qualities, models: names, costs: costs, meanBudget: 0.5)
        }
    }

    @Test("a file of scores and comparisons is read, and a bad line named")
    func lines() throws {
        let path = NSTemporaryDirectory() + "routes-\(UUID().uuidString).jsonl"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let text = """
            {"question": "a", "scores": {"small": 0, "large": 1}}

            {"question": "b", "a": "small", "b": "large", "winner": "tie"}
            {"question": "a", "scores": {"small": 1}}
            """
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let data = try RoutingData(contentsOf: path)
        #expect(data.questions == ["a", "b"])
        #expect(data.scores[0, 0] == 0.5 && data.scores[0, 1] == 1 && data.scores[1, 0].isNaN)
        #expect(data.battles == [Battle(question: 1, first: 0, second: 1, outcome: 0.5)])
        try (text + "\n{\"question\": \"c\"}").write(toFile: path, atomically: true, encoding: .utf8)
        let error = #expect(throws: CollabError.self) { try RoutingData(contentsOf: path) }
        #expect(error?.code == .malformedFile && error?.message.contains("line 4") == true)
    }
}
