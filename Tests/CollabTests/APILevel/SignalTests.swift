import CollabTesting
import Testing

@testable import Collab

@Suite("Signals that ask or compare")
struct AskingSignalTests {
    private func measure(
        _ signal: ConfidenceSignal,
        _ text: String,
        by model: any TextModel = ScriptedModel("m", always: "x"),
        earlier: [String] = [],
        request: Request = "What is 17 + 25?"
    ) async throws -> Double? {
        try await signal.measure(
            .init(
                request: request,
                response: Response(text: text, model: model.name),
                model: model,
                earlier: earlier.map {
                    Draft(author: "a", response: Response(text: $0, model: "a"), origin: "")
                }
            )
        )
    }

    @Test("Agreement is the share of earlier drafts with the same answer")
    func agreement() async throws {
        let signal = ConfidenceSignal.agreement(as: .numeric)
        #expect(try await measure(signal, "It is 42.") == nil)
        #expect(try await measure(signal, "It is 42.", earlier: ["42.0"]) == 1)
        #expect(try await measure(signal, "It is 42.", earlier: ["41", "#### 42"]) == 0.5)
        #expect(try await measure(signal, "no idea", earlier: ["no idea"]) == 0)
    }

    @Test("Two cheaper models that agree are believed, else the strong one is asked")
    func agreementCascade() async throws {
        func cascade(_ first: ScriptedAnswer, _ second: ScriptedAnswer) -> Cascade<Team<TextAccess>> {
            Cascade(until: .confidence(.agreement(as: .numeric), above: 0.99)) {
                ScriptedModel("a", always: first)
                ScriptedModel("b", always: second)
                ScriptedModel("strong", always: "43")
            }
        }
        #expect(try await cascade("so 42", "#### 42").respond(to: "?").model == "b")
        #expect(try await cascade("so 42", "41").respond(to: "?").model == "strong")
    }

    @Test("Self-consistency asks for different samples, with chance, and counts those that agree")
    func selfConsistency() async throws {
        let model = ScriptedModel("m", samples: ["42", "42", "41", "unsure", "42"])
        let signal = ConfidenceSignal.selfConsistency(samples: 5, as: .numeric)
        #expect(signal.callRange == 4...4)
        // The answer itself, and of samples 1 to 4 the first and the last.
        #expect(try await measure(signal, "42", by: model) == 0.6)
        #expect(Set(model.requests.map(\.sample)) == [1, 2, 3, 4])
        #expect(model.requests.allSatisfy { $0.options.sampling.temperature > 0 })
    }

    @Test(
        "Confidence in words is read strictly",
        arguments: [("85", 0.85), ("85%", 0.85), ("100", 1), ("150", nil), ("very", nil)]
            as [(String, Double?)]
    )
    func verbalised(said: String, value: Double?) async throws {
        let model = ScriptedModel("m", always: ScriptedAnswer(said))
        #expect(try await measure(.verbalised, "42", by: model) == value)
        #expect(model.requests[0].messages.map(\.role) == [.user, .assistant, .user])
    }

    @Test("Verdicts that are neither yes nor no do not count")
    func verdicts() async throws {
        let judge = ScriptedModel("judge", samples: ["Yes.", "No.", "Perhaps", "yes"])
        let signal = ConfidenceSignal.verified(by: judge, verdicts: 4)
        #expect(abs(try #require(try await measure(signal, "42")) - 2.0 / 3) < 1e-12)
        let silent = ScriptedModel("judge", always: "Well…")
        #expect(try await measure(.verified(by: silent), "42") == nil)
        let own = ScriptedModel("m", samples: ["yes", "no"])
        #expect(try await measure(.selfVerified(verdicts: 2), "42", by: own) == 0.5)
    }

    @Test("P(True) weighs True against False")
    func probabilityTrue() async throws {
        let words = [" True", " False", "?"]
        let judge = ScriptedLogitModel("judge", vocabulary: words) { _ in
            [" True": 0.6, " False": 0.2, "?": 0.2]
        }
        let value = try await measure(.probabilityTrue(by: judge), "42")
        #expect(abs((value ?? 0) - 0.75) < 1e-6)
    }

    @Test("Margins and certainty are computed from the alternatives, by hand")
    func alternatives() async throws {
        var answer = ScriptedAnswer(tokens: ["a": 0.8, "b": 0.5])
        answer.runnerUp = nil
        let model = ScriptedModel("m", always: answer)
        func value(_ signal: ConfidenceSignal) async throws -> Double {
            let request = Request("?", options: GenerationOptions(alternatives: signal.alternatives))
            let response = try await model.respond(to: request)
            return try #require(
                try await signal.measure(.init(request: request, response: response, model: model))
            )
        }
        #expect(abs(try await value(.meanTokenMargin) - 0.3) < 1e-9)
        #expect(abs(try await value(.minimumTokenMargin)) < 1e-9)
        // 1 − H/ln 3 with H = 0.500402 and ln 2, averaged.
        #expect(abs(try await value(.tokenCertainty(alternatives: 2)) - 0.4568) < 1e-3)
        #expect(try await measure(.meanTokenMargin, "x") == nil)
    }
}

@Suite("A trained scorer")
struct LogisticScorerTests {
    @Test("learns which answers are right, and gives the same scores for the same seed")
    func learns() async throws {
        var random = SeededGenerator(seed: 2)
        func example(_ index: Int) -> LogisticScorer.Example {
            let isRight = random.nextUnit() < 0.5
            let filler = ["alpha", "beta", "gamma", "delta"][index % 4]
            return .init(
                question: "Which \(filler)?",
                answer: isRight ? "It is \(filler), clearly" : "Perhaps \(filler), not sure",
                quality: isRight ? 1 : 0
            )
        }
        let scorer = try LogisticScorer(learnedFrom: (0..<200).map(example))
        let held = (200..<260).map(example)
        let outcomes = held.map {
            ScoredOutcome(score: scorer.score(question: $0.question, answer: $0.answer), quality: $0.quality)
        }
        #expect(try CalibrationQuality(of: outcomes).areaUnderROC == 1)
        random = SeededGenerator(seed: 2)
        #expect(try LogisticScorer(learnedFrom: (0..<200).map(example)) == scorer)
        let value = try await ConfidenceSignal.scored(by: scorer).measure(
            .init(
                request: "Which alpha?",
                response: Response(text: "It is alpha, clearly", model: "m"),
                model: ScriptedModel("m", always: "x")
            )
        )
        #expect((value ?? 0) > 0.9)
        #expect(throws: CollabError.self) { try LogisticScorer(learnedFrom: []) }
    }
}

@Suite("A policy of self-verification")
struct SelfVerificationPolicyTests {
    typealias Sample = SelfVerificationPolicy.Sample

    @Test("asks on where that is expected to be worth its price")
    func needy() throws {
        // Without a verdict for it the large model is better; with all four both are right.
        let samples = (0..<100).flatMap { _ in
            [Sample(share: 0, small: 0, large: 1), Sample(share: 1, small: 1, large: 1)]
        }
        let policy = try SelfVerificationPolicy.fitted(to: samples, verdicts: 4, price: 0.1)
        #expect(!policy.keeps(share: 0))
        #expect(policy.keeps(share: 1))
        #expect(!policy.keeps(share: .nan))
        let threshold = try SelfVerificationPolicy.thresholdFitted(to: samples, verdicts: 4, price: 0.1)
        #expect(!threshold.keeps(share: 0))
        #expect(threshold.keeps(share: 1))
        // At a price above every gain nothing is asked on.
        let dear = try SelfVerificationPolicy.fitted(to: samples, verdicts: 4, price: 1.5)
        #expect(dear.keeps.allSatisfy { $0 })
    }

    @Test("does not ask on where nobody knows, which a threshold cannot tell from where help is")
    func hopeless() throws {
        // No verdict for it: hopeless. Half: needy. All: good.
        let samples = (0..<100).flatMap { _ in
            [
                Sample(share: 0, small: 0, large: 0), Sample(share: 0.5, small: 0, large: 1),
                Sample(share: 1, small: 1, large: 1),
            ]
        }
        let policy = try SelfVerificationPolicy.fitted(to: samples, verdicts: 2, price: 0.2)
        #expect(policy.keeps == [true, false, true])
        let threshold = try SelfVerificationPolicy.thresholdFitted(to: samples, verdicts: 2, price: 0.2)
        #expect(threshold.keeps == [false, false, true])
    }

    @Test("decides in a cascade")
    func cascade() async throws {
        func team(_ verdict: String) -> Cascade<Team<TextAccess>> {
            let small = ScriptedModel("small") { (request, _) throws(CollabError) in
                request.question.contains("Proposed answer") ? ScriptedAnswer(verdict) : "41"
            }
            let policy = SelfVerificationPolicy(verdicts: 2, keeps: [false, false, true])
            return Cascade(until: .selfVerification(policy)) {
                small
                ScriptedModel("large", always: "42")
            }
        }
        #expect(try await team("yes").respond(to: "?").text == "41")
        #expect(try await team("no").respond(to: "?").text == "42")
        #expect(team("no").callRange == 3...6)
    }
}

@Suite("Routing and cascading in one")
struct CascadeRoutingTests {
    @Test("The expected maximum is Clark's for two, and the mean for one")
    func expectedMaximum() {
        #expect(abs(CascadeRouting.expectedMaximum([.init(0.4, deviation: 0.3)]) - 0.4) < 1e-9)
        #expect(CascadeRouting.expectedMaximum([.init(0.4), .init(0.6)]) == 0.6)
        // Two standard normal variables: 1/√π. Standard normal and 0: 1/√(2π). N(1, 2²) and N(0, 1): Clark 1961:
        // Φ(1/√5) + √5 φ(1/√5), with scipy.
        let two = CascadeRouting.expectedMaximum([.init(0, deviation: 1), .init(0, deviation: 1)])
        #expect(abs(two - 0.5641895835477563) < 1e-9)
        #expect(
            abs(CascadeRouting.expectedMaximum([.init(0, deviation: 1), .init(0)]) - 0.3989422804014327)
                < 1e-6
        )
        let unequal = CascadeRouting.expectedMaximum([.init(1, deviation: 2), .init(0, deviation: 1)])
        #expect(abs(unequal - 1.4798107063483925) < 1e-6)
    }

    @Test("asks the cheap one first where it may do, and on only if that is worth the price")
    func steps() {
        let rule = CascadeRouting(costWeight: 0.01)
        let before = [QualityEstimate(0.6, deviation: 0.3), QualityEstimate(0.9, deviation: 0.05)]
        let costs = [1.0, 10]
        #expect(rule.next(before, costs: costs, asked: []) == .ask(0))
        #expect(rule.next([.init(0.2), before[1]], costs: costs, asked: [0]) == .ask(1))
        #expect(rule.next([.init(0.95), before[1]], costs: costs, asked: [0]) == .answer(0))
        // A poor cheap one is passed over: routing, not cascading.
        #expect(rule.next([.init(0.1, deviation: 0.02), before[1]], costs: costs, asked: []) == .ask(1))
        // The best answer is taken, not the last.
        #expect(rule.next([.init(0.8), .init(0.7)], costs: costs, asked: [0, 1]) == .answer(0))
        #expect(rule.next([], costs: [], asked: []) == nil)
    }

    @Test("within a budget does better than asking one model always")
    func budget() throws {
        var random = SeededGenerator(seed: 4)
        let samples = (0..<300).map { _ in
            let smallIsRight = random.nextUnit() < 0.6
            return CascadeRouting.Sample(
                before: [.init(0.6, deviation: 0.4), .init(0.9, deviation: 0.2)],
                after: [.init(smallIsRight ? 0.95 : 0.2), .init(0.9)],
                costs: [1, 10],
                qualities: [smallIsRight ? 1 : 0, 0.9]
            )
        }
        let rule = try CascadeRouting.fitted(to: samples, budget: 5.5)
        let result = rule.evaluate(on: samples)
        #expect(result.cost <= 5.5)
        #expect(result.quality > 0.93)
        #expect(throws: CollabError.self) { try CascadeRouting.fitted(to: samples, budget: 0.5) }
    }

    @Test("answers as a model, keeps the best answer, and leaves out who fails")
    func model() async throws {
        func team(_ sureness: Double, failing: Bool = false) -> AdaptiveCascade {
            let small = ScriptedModel("small", always: ScriptedAnswer("41", probability: sureness))
            return AdaptiveCascade(
                rule: CascadeRouting(costWeight: 0.01),
                costs: [1, 10],
                expecting: { _ in [.init(0.6, deviation: 0.3), .init(0.9, deviation: 0.05)] },
                members: {
                    if failing { small.alwaysFailing() } else { small }
                    ScriptedModel("large", always: "42")
                }
            )
        }
        let sure = try await team(0.97).respond(to: "?")
        #expect(sure.text == "41")
        #expect(sure.usage.calls == 1)
        #expect(sure.trace?.root.decisions.first?.scores.map(\.candidate) == ["small", "large"])
        #expect(try await team(0.3).respond(to: "?").text == "42")
        #expect(try await team(0.3, failing: true).respond(to: "?").text == "42")
        // The budget ends before the large one is asked.
        let stopped = try await team(0.3).respond(to: "?", in: Run(budget: .calls(1)))
        #expect(stopped.text == "41")
        #expect(stopped.ending == .budgetExhausted)
    }

    @Test("keeps an answer that nobody could judge")
    func unjudged() async throws {
        let judge = ScriptedModel("judge", always: "yes").alwaysFailing(with: CollabError(.timeout, "No."))
        let team = AdaptiveCascade(
            rule: CascadeRouting(costWeight: 0.01),
            costs: [1, 100],
            signal: .verified(by: judge),
            expecting: { _ in [.init(0.6), .init(0.9)] },
            members: {
                ScriptedModel("small", always: "41")
                ScriptedModel("large", always: "42")
            }
        )
        let answer = try await team.respond(to: "?")
        #expect(answer.text == "41")
        #expect(answer.trace?.root.note("not measured")?.hasPrefix("timeout") == true)
    }
}
