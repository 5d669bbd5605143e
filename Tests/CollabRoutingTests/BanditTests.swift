import Collab
import CollabKernels
import CollabTesting
import Foundation
import Testing

@testable import CollabRouting

@Suite("Learning by trying", .enabled(if: LinearAlgebra.isAvailable, "install OpenBLAS"))
struct BanditTests {
    /// Vectors that are written into the texts: "0.6 0.8".
    struct Written: EmbeddingModel {
        let name = "written"
        let dimension = 2
        func embed(_ texts: [String]) async throws(CollabError) -> [[Float]] {
            texts.map { $0.split(separator: " ").compactMap { Float($0) } }
        }
    }

    @Test("knows of a question without features what a hand computes")
    func byHand() throws {
        // Only the constant is left: A = λ + n, so that θ̂ = Σ r ∕ (λ + n) and the uncertainty 1 ∕ √(λ + n).
        var bandit = try LinearBandit(models: 2, dimension: 3, exploration: .upperConfidence(0.5), penalty: 2)
        let nothing: [Float] = [0, 0, 0]
        for reward in [1.0, 0, 1, 1] { bandit.learn(model: 0, question: nothing, quality: reward, cost: 4) }
        let (mean, deviation) = bandit.estimate(of: 0, on: nothing)
        #expect(abs(mean - 3.0 / 6) < 1e-12)
        #expect(abs(deviation - 1 / 6.0.squareRoot()) < 1e-12)
        let values = bandit.values(for: nothing, seed: 0)
        #expect(abs(values[0] - (0.5 + 0.5 / 6.0.squareRoot())) < 1e-12)
        // Nothing was tried: 0 and α ∕ √λ.
        #expect(abs(values[1] - 0.5 / 2.0.squareRoot()) < 1e-12)
        #expect(bandit.counts == [4, 0])
        // Costs are taken off: the mean of what was paid, unless there are prices.
        bandit.costWeight = 0.1
        #expect(abs(bandit.values(for: nothing, seed: 0)[0] - values[0] + 0.4) < 1e-12)
        bandit.prices = [1, 3]
        #expect(abs(bandit.values(for: nothing, seed: 0)[1] - values[1] + 0.3) < 1e-12)
    }

    @Test("after thousands of updates still stands where the normal equations have their solution")
    func normalEquations() throws {
        var generator = SeededGenerator(seed: 1)
        var bandit = try LinearBandit(models: 1, dimension: 4, penalty: 0.5)
        var gram = [Double](repeating: 0, count: 25), moment = [Double](repeating: 0, count: 5)
        for place in 0..<5 { gram[place * 5 + place] = 0.5 }
        for _ in 0..<3000 {
            let question = (0..<4).map { _ in Float(generator.nextNormal()) }
            let quality = generator.nextUnit()
            bandit.learn(model: 0, question: question, quality: quality)
            let context = question.map { Double($0) } + [1]
            for row in 0..<5 {
                moment[row] += quality * context[row]
                for column in 0..<5 { gram[row * 5 + column] += context[row] * context[column] }
            }
        }
        let weights = try LinearAlgebra.solvePositiveDefinite(gram, moment)
        let probe: [Float] = [0.3, -1, 2, 0.1]
        let expected = zip(weights, probe.map { Double($0) } + [1]).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(bandit.estimate(of: 0, on: probe).mean - expected) < 1e-9)
    }

    @Test("draws as often for the worse model as the normal distribution says")
    func thompson() throws {
        var bandit = try LinearBandit(models: 2, dimension: 1, exploration: .thompson(0.4))
        for _ in 0..<3 { bandit.learn(model: 0, question: [0], quality: 0.8) }
        for _ in 0..<7 { bandit.learn(model: 1, question: [0], quality: 0.5) }
        // Means 2.4 ∕ 4 and 3.5 ∕ 8, uncertainties 1 ∕ 2 and 1 ∕ √8: P = Φ(Δ ∕ (v √(1 ∕ 4 + 1 ∕ 8))).
        let distance = (2.4 / 4 - 3.5 / 8) / (0.4 * (1.0 / 4 + 1.0 / 8).squareRoot())
        let probability = 0.5 * erfc(-distance / 2.0.squareRoot())
        let wins = (0..<20_000).filter {
            let values = bandit.values(for: [0], seed: UInt64($0))
            return values[0] > values[1]
        }.count
        // Five standard errors of a share of 20,000.
        #expect(abs(Double(wins) / 20_000 - probability) < 0.018)
    }

    @Test(
        "loses less and less against always knowing the best",
        arguments: [LinearBandit.Exploration.upperConfidence(0.3), .thompson(0.3)]
    )
    func regret(_ exploration: LinearBandit.Exploration) throws {
        // Three models whose quality is linear in the question, seen with noise.
        var generator = SeededGenerator(seed: 7)
        let truths = (0..<3).map { _ in (0..<5).map { _ in generator.nextNormal() / 2 } }
        var bandit = try LinearBandit(models: 3, dimension: 4, exploration: exploration)
        var losses: [Double] = []
        var blind = 0.0
        for step in 0..<2000 {
            let question = (0..<4).map { _ in Float(generator.nextNormal() / 2) }
            let context = question.map { Double($0) } + [1]
            let means = truths.map { zip($0, context).reduce(0) { $0 + $1.0 * $1.1 } }
            let values = bandit.values(for: question, seed: UInt64(step))
            let choice = values.indices.max { values[$0] < values[$1] } ?? 0
            let best = means.max() ?? 0
            losses.append(best - means[choice])
            blind += best - means.reduce(0, +) / 3
            bandit.learn(
                model: choice,
                question: question,
                quality: means[choice] + 0.3 * generator.nextNormal()
            )
        }
        let total = losses.reduce(0, +)
        #expect(total < 0.1 * blind)
        #expect(losses.suffix(1000).reduce(0, +) < 0.35 * total)
    }

    @Test("is saved and goes on as if nothing had been", arguments: [false, true])
    func saves(hasAxes: Bool) async throws {
        var generator = SeededGenerator(seed: 2)
        let sample = Table(
            (0..<50).map { _ in [Float(generator.nextNormal()), Float(generator.nextUnit())] }
        )
        let router = try BanditRouter(
            models: ["a", "b"],
            embeddedBy: Written(),
            axes: hasAxes ? try PrincipalAxes(of: sample, count: 1) : nil,
            costWeight: 0.1,
            prices: hasAxes ? ["a": 1, "b": 2] : nil,
            seed: 3
        )
        let outcomes = (0..<200).map { index in
            RoutingOutcome(
                id: String(index),
                request: "\(generator.nextNormal()) \(generator.nextUnit())",
                decision: .init(place: "route", choice: "a"),
                members: [
                    .init(
                        name: index % 3 == 0 ? "a" : "b",
                        quality: generator.nextUnit(),
                        cost: generator.nextUnit()
                    )
                ]
            )
        }
        try await router.learn(from: Array(outcomes.prefix(150)))
        let folder = NSTemporaryDirectory() + "bandit-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try router.save(to: folder, facts: ["answers": "150"])
        let loaded = try BanditRouter(contentsOf: folder, embeddedBy: Written(), seed: 3)
        #expect(loaded.bandit.counts == router.bandit.counts)
        try await router.learn(from: Array(outcomes.suffix(50)))
        try await loaded.learn(from: Array(outcomes.suffix(50)))
        let candidates = ["a", "b"].map { RouteCandidate(name: $0) }
        for _ in 0..<10 {
            let request = Request("\(generator.nextNormal()) \(generator.nextUnit())")
            let (one, other) = (
                try await router.route(request, among: candidates),
                try await loaded.route(request, among: candidates)
            )
            #expect(one.choice == other.choice)
            for (a, b) in zip(one.scores, other.scores) { #expect(abs((a ?? 0) - (b ?? 1)) < 1e-10) }
        }
        let other = try LearnedRouter(
            models: ["a", "b"],
            features: .embedding(Written()),
            estimator: LinearEstimator(weights: Table([[1, 0], [0, 1]]), intercepts: [0, 0])
        )
        try other.save(to: folder)
        #expect(throws: CollabError.self) { try BanditRouter(contentsOf: folder, embeddedBy: Written()) }
    }

    @Test("in a route learns from the log which model knows which questions")
    func inRoute() async throws {
        let router = try BanditRouter(models: ["east", "north"], embeddedBy: Written(), seed: 1)
        let (east, north) = (ScriptedModel("east", always: "east"), ScriptedModel("north", always: "north"))
        let desk = Route(by: router) {
            east
            north
        }.logging(
            to: router,
            quality: { request, text in request.question.hasPrefix("1") == (text == "east") ? 1 : 0 }
        )
        for _ in 0..<30 {
            _ = try await desk.respond(to: "1 0")
            _ = try await desk.respond(to: "0 1")
        }
        #expect(try await desk.respond(to: "1 0").text == "east")
        #expect(try await desk.respond(to: "0 1").text == "north")
        #expect(router.bandit.tries == 62)
        // What is explained is what is done.
        let request = Request("0.5 0.5")
        let candidates = ["east", "north"].map { RouteCandidate(name: $0) }
        let first = try await router.route(request, among: candidates)
        #expect(try await router.route(request, among: candidates) == first)
        #expect(first.reason.contains("trying included"))
        let stranger = await #expect(throws: CollabError.self) {
            try await router.route(request, among: [RouteCandidate(name: "west")])
        }
        #expect(stranger?.code == .invalidRequest)
    }

    @Test("axes are the directions in which questions differ most, of mean squared length 1")
    func axes() throws {
        // Along (3, 4) ∕ 5 the spread is large, across it small.
        var generator = SeededGenerator(seed: 5)
        let table = Table(
            (0..<400).map { _ in
                let (long, short) = (2 * generator.nextNormal(), 0.1 * generator.nextNormal())
                return [Float(0.6 * long - 0.8 * short + 7), Float(0.8 * long + 0.6 * short)]
            }
        )
        let axes = try PrincipalAxes(of: table, count: 1)
        let direction = axes.axes.row(0).map { Double($0) }
        let length = (direction[0] * direction[0] + direction[1] * direction[1]).squareRoot()
        #expect(abs(abs(direction[0] * 0.6 + direction[1] * 0.8) / length - 1) < 1e-3)
        let squares = (0..<400).map { axes.project(Array(table.row($0)))[0] }.reduce(0) { $0 + $1 * $1 }
        #expect(abs(squares / 400 - 1) < 1e-4)
        #expect(throws: CollabError.self) { try PrincipalAxes(of: Table([[1, 2], [1, 2]])) }
    }
}
