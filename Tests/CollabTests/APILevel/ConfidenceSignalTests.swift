import Collab
import CollabTesting
import Testing

@Suite("A confidence signal")
struct ConfidenceSignalTests {
    private func measure(_ signal: ConfidenceSignal, _ answer: ScriptedAnswer) async throws -> Double? {
        let model = ScriptedModel("m", always: answer)
        let request = Request("?", options: GenerationOptions(alternatives: signal.alternatives))
        let response = try await model.respond(to: request)
        return try await signal.measure(.init(request: request, response: response, model: model))
    }

    @Test("is computed from the tokens' probabilities")
    func overTokens() async throws {
        let answer = ScriptedAnswer(tokens: ["a": 0.9, "b": 0.4, "c": 0.1])
        func expect(_ signal: ConfidenceSignal, _ value: Double) async throws {
            let measured = try #require(try await measure(signal, answer))
            #expect(abs(measured - value) < 1e-9, "\(signal)")
        }
        try await expect(.meanTokenProbability, 0.330192724889463)
        try await expect(.minimumTokenProbability, 0.1)
        try await expect(.sequenceProbability, 0.036)
        try await expect(.tokenProbability(quantile: 0), 0.1)
        try await expect(.tokenProbability(quantile: 0.5), 0.4)
        try await expect(.tokenProbability(quantile: 1), 0.9)
        try await expect(.firstTokenMargin, 0.8)
    }

    @Test(
        "is nil where the model tells nothing",
        arguments: [
            ConfidenceSignal.meanTokenProbability, .minimumTokenProbability, .sequenceProbability,
            .tokenProbability(quantile: 0.5), .firstTokenMargin,
        ]
    )
    func unmeasured(signal: ConfidenceSignal) async throws {
        #expect(try await measure(signal, "no probabilities") == nil)
    }

    @Test("that is not finite counts as not measured")
    func notFinite() async throws {
        #expect(try await measure(.measured("broken") { _ in .nan }, "x") == nil)
    }
}

@Suite("An acceptance rule")
struct AcceptanceTests {
    private func judge(_ rule: Acceptance) async throws -> Acceptance.Verdict {
        let response = Response(text: "42", model: "m")
        return try await rule.judge(
            .init(request: "?", response: response, model: ScriptedModel("m", always: "42"))
        )
    }

    private func fixed(_ value: Double?, above threshold: Double) -> Acceptance {
        .confidence(.measured("signal \(value ?? -1)") { _ in value }, above: threshold)
    }

    @Test("accepts with “and” only what both accept")
    func and() async throws {
        #expect(try await judge(fixed(0.9, above: 0.5) && fixed(0.6, above: 0.5)).isAccepted)
        #expect(try await !judge(fixed(0.9, above: 0.5) && fixed(nil, above: 0.5)).isAccepted)
        #expect(try await !judge(fixed(0.2, above: 0.5) && fixed(0.9, above: 0.5)).isAccepted)
    }

    @Test("accepts with “or” what one of them accepts")
    func or() async throws {
        let verdict = try await judge(fixed(0.2, above: 0.5) || fixed(0.9, above: 0.5))
        #expect(verdict.isAccepted)
        #expect(verdict.confidence == 0.2)
        #expect(try await !judge(fixed(0.2, above: 0.5) || fixed(nil, above: 0.5)).isAccepted)
    }

    @Test("asks no further than needed")
    func shortCircuits() async throws {
        let counter = Protected(0)
        let counting = Acceptance.accepting("counted") { _ in
            counter.withLock { $0 += 1 }
            return true
        }
        _ = try await judge(fixed(0.9, above: 0.5) || counting)
        _ = try await judge(fixed(0.1, above: 0.5) && counting)
        #expect(counter.withLock { $0 } == 0)
    }

    @Test("reads as a sentence")
    func description() {
        let rule = Acceptance.confidence(above: 0.8) && .confidence(.firstTokenMargin, above: 0.2)
        #expect(
            rule.description == "(mean token probability above 0.8 and margin of the first token above 0.2)"
        )
        #expect(rule.alternatives == 2)
    }
}
