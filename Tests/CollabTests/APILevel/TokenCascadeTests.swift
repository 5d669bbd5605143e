import CollabTesting
import Testing

@testable import Collab

@Suite("A cascade of tokens")
struct TokenCascadeTests {
    private let words = ["A", "B", "C"]

    /// Unsure at every third token, where it prefers B; the large one always prefers C.
    private func models(smallSureness: Double = 0.9) -> (small: ScriptedLogitModel, large: ScriptedLogitModel)
    {
        let small = ScriptedLogitModel("small", vocabulary: words) { prefix in
            prefix.count % 3 == 0
                ? ["B": 0.4, "A": 0.35, "C": 0.25] : ["A": smallSureness, "B": 1 - smallSureness]
        }
        let large = ScriptedLogitModel("large", vocabulary: words) { _ in ["C": 0.8, "A": 0.2] }
        return (small, large)
    }

    private func request(_ tokens: Int, _ sampling: Sampling = .greedy) -> Request {
        .completion("A", options: GenerationOptions(maximumTokens: tokens, sampling: sampling))
    }

    @Test("writes from the distribution of its rule, worked by hand")
    func targets() {
        let (q, p) = ([0.6, 0.4], [0.3, 0.7])
        func target(_ rule: TokenDeferral) -> [Double] { rule.target(small: q, large: p).distribution }
        #expect(target(.chow(0.5)) == q)
        #expect(target(.chow(0.3)) == p)
        #expect(target(.difference(0.05)) == p)
        #expect(target(.difference(0.2)) == q)
        // D(p, q) = 0.3.
        #expect(target(.optimal(0.2)) == p)
        #expect(target(.optimal(0.5)) == q)
        // 0.3 is below half of 0.7, so the 0.6 of the first token goes to the large model: 0.6 · 0.3, 0.4 + 0.6 · 0.7.
        let mixed = TokenDeferral.unlikelyTokens(0.5).target(small: q, large: p)
        #expect(zip(mixed.distribution, [0.18, 0.82]).allSatisfy { abs($0 - $1) < 1e-12 })
        #expect(mixed.deferred == 0.6)
    }

    @Test("is the small model if nothing is deferred, and the large one if everything is")
    func limits() async throws {
        let (small, large) = models()
        let never = TokenCascade(small, large, deferring: .chow(1))
        let always = TokenCascade(small, large, deferring: .chow(-1))
        #expect(try await never.respond(to: request(9)).text == small.respond(to: request(9)).text)
        let answer = try await always.respond(to: request(9))
        #expect(answer.text == "CCCCCCCCC")
        #expect(answer.trace?.root.note("deferred")?.hasPrefix("9.0 of 9 tokens (1.0)") == true)
        for sampling in [Sampling.temperature(1), .temperature(0.7)] {
            var asked = request(30, sampling)
            asked.options.seed = 5
            #expect(try await always.respond(to: asked).text == large.respond(to: asked).text)
        }
    }

    @Test("asks the large model for deferred tokens only, which it reads with all before them at once")
    func lazily() async throws {
        let (small, large) = models()
        let answer = try await TokenCascade(small, large, deferring: .chow(0.5)).respond(to: request(8))
        // After A: A, then C where it is unsure, and so on.
        #expect(answer.text == "AACAACAA")
        #expect(answer.trace?.root.note("deferred")?.hasPrefix("2.0 of 8 tokens (0.25)") == true)
        // The prompt and what was written up to the last deferred token.
        #expect(large.tokensRead == 6)
        #expect(abs((answer.tokens?[2].logprob ?? 0) - logarithm(0.8)) < 1e-6)
    }

    @Test("gives the same logits in one batch as token by token, for every rule, and after going back")
    func batches() async throws {
        let rules: [TokenDeferral] = [
            .chow(0.5), .chow(0.05), .difference(0.1), .optimal(0.4), .unlikelyTokens(0.6),
        ]
        for rule in rules {
            let (small, large) = models()
            let model = TokenCascade(small, large, deferring: rule)
            let tokens: [TokenID] = [0, 1, 2, 0, 0, 2, 1]
            let whole = try await model.makeDecoder().append(tokens, logits: .all)
            let step = try await model.makeDecoder()
            var rows: [Logits] = []
            for token in tokens { rows.append(try await step.append(token)) }
            #expect(whole.map(\.values) == rows.map(\.values), "\(rule)")
            try await step.truncate(to: 3)
            let fork = try await step.fork()
            for decoder in [step, fork] {
                let again = try await decoder.append(Array(tokens[3...]), logits: .all)
                #expect(again.map(\.values) == whole[3...].map(\.values), "\(rule)")
            }
        }
    }

    @Test(
        "with guesses by the small model writes what it writes without, in fewer passes",
        arguments: [TokenDeferral.optimal(0.4), .difference(0.1), .unlikelyTokens(0.6), .chow(0.5)]
    )
    func speculative(_ rule: TokenDeferral) async throws {
        let (small, large) = models()
        let cascade = TokenCascade(small, large, deferring: rule)
        let fast = cascade.speculating(with: ModelProposer(small), length: .fixed(3))
        for sampling in [Sampling.greedy, .temperature(1)] {
            var asked = request(24, sampling)
            asked.options.seed = 11
            let answer = try await fast.respond(to: asked)
            #expect(try await cascade.respond(to: asked).text == answer.text, "\(sampling)")
            let passes = try #require(answer.trace?.root.note("forward passes").flatMap { Int($0) })
            #expect(passes < 24, "\(sampling)")
        }
    }

    @Test("needs models of one vocabulary")
    func vocabulary() async throws {
        let other = ScriptedLogitModel("other", vocabulary: ["A"]) { _ in ["A": 1] }
        let error = await #expect(throws: CollabError.self) {
            try await TokenCascade(other, models().large, deferring: .chow(0.5)).respond(to: "A")
        }
        #expect(error?.code == .vocabularyMismatch)
    }

    @Test("can be fused like any model that shows its logits")
    func fused() async throws {
        let (small, large) = models()
        let cascade = TokenCascade(small, large, deferring: .chow(0.5))
        let fused = FuseLogits(.mixture) {
            cascade; large
        }
        #expect(try await fused.respond(to: request(3)).text.count == 3)
    }
}

/// The natural logarithm, without importing a C library.
private func logarithm(_ value: Double) -> Double {
    // ln 0.8 by its series.
    let x = 1 - value
    return -(1...60).reduce(0) { sum, n in sum + (0..<n).reduce(1) { power, _ in power * x } / Double(n) }
}
