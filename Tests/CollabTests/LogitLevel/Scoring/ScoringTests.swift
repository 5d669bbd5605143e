import CollabTesting
import Testing

@testable import Collab

@Suite("Scoring continuations")
struct ScoringTests {
    /// a, b, c, d, and the end, the same at every place.
    private static let steady = ToyModel("steady", always: logs(0.4, 0.3, 0.2, 0.05, 0.05))
    /// What comes next depends on the last token: after a comes b.
    private static let chain = ToyModel("chain") { tokens in
        logs(
            0.1,
            tokens.last == 0 ? 0.7 : 0.1,
            0.1,
            tokens.last == 0 ? 0.05 : 0.6,
            tokens.last == 0 ? 0.05 : 0.1
        )
    }
    private let request = Request(.completion("c"))

    private func expectScores(
        _ model: some TokenScoring,
        _ texts: [String: [Double]]
    ) async throws {
        let order = texts.keys.sorted()
        for (text, scored) in zip(order, try await model.score(order, after: request)) {
            let expected = try #require(texts[text]).map { Double(logs(Float($0))[0]) }
            #expect(scored.text == text && scored.tokenLogprobs.count == expected.count)
            for (a, b) in zip(scored.tokenLogprobs, expected) { #expect(abs(a - b) < 1e-5) }
        }
    }

    @Test("each token's probability is that after those before it")
    func single() async throws {
        let model = Self.chain.processed(by: TokenBias([:]))
        try await expectScores(model, ["a": [0.1], "ab": [0.1, 0.7], "ba": [0.1, 0.1], "": []])
    }

    @Test("a fusion scores by its own distribution, a formula too")
    func fused() async throws {
        let mixture = FusedModel(nil, .mixture, members: [Self.steady, Self.chain])
        try await expectScores(mixture, ["b": [0.2], "ab": [0.25, 0.5]])
        // (0.4 · 0.1) and so on over their sum, and after a (0.4 · 0.1, 0.3 · 0.7, …).
        let product = Self.steady + Self.chain
        let (first, second) = (0.04 + 0.03 + 0.02 + 0.03 + 0.005, 0.04 + 0.21 + 0.02 + 0.0025 + 0.0025)
        try await expectScores(product, ["ab": [0.04 / first, 0.21 / second]])
    }

    @Test("a constrained model scores among what it can write")
    func constrained() async throws {
        let model = Self.steady.constrained(to: try .choices(["ab", "ca"]))
        try await expectScores(model, ["ab": [0.4 / 0.6, 1], "ca": [0.2 / 0.6, 1]])
        await #expect(throws: CollabError.self) { try await model.score(["bb"], after: request) }
    }

    @Test("guesses change no scores")
    func guessing() async throws {
        let mixture = FusedModel(nil, .mixture, members: [Self.steady, Self.chain])
        try await expectScores(mixture.alternating(), ["b": [0.2], "ab": [0.25, 0.5]])
        try await expectScores(mixture.speculating(with: PromptLookup()), ["b": [0.2], "ab": [0.25, 0.5]])
    }

    @Test("across vocabularies a continuation is scored by its bytes, or by the tokens of all")
    func acrossVocabularies() async throws {
        try await expectScores(ByteModel(Self.chain), ["ab": [0.1, 0.7], "c": [0.1]])
        let bytes = FuseBytes(.mixture) {
            Self.steady
            Self.chain
        }
        try await expectScores(bytes, ["b": [0.2], "ab": [0.25, 0.5], "": []])
        let union = FuseUnion(.mixture, members: [Self.steady, Self.chain])
        try await expectScores(union, ["b": [0.2], "ab": [0.25, 0.5], "": []])
    }

    @Test("a cascade of tokens scores by the mixture that its rule makes")
    func cascade() async throws {
        // The small model's favourite has 0.4 everywhere: with 0.5 all is left to the large one, with 0.7 nothing.
        let deferring = TokenCascade(Self.steady, Self.chain, deferring: .chow(0.5))
        try await expectScores(deferring, ["ab": [0.1, 0.7]])
        try await expectScores(
            TokenCascade(Self.steady, Self.chain, deferring: .chow(0.7)),
            ["ab": [0.4, 0.3]]
        )
    }

    @Test("scores are divided as lm-evaluation-harness does, or by tokens or bytes")
    func normalisation() throws {
        // By hand: acc compares −6 and −8, acc_norm −6 / 3 and −8 / 5.
        let short = ScoredContinuation(text: " été", tokenLogprobs: [-2, -4])
        let long = ScoredContinuation(text: " hiver", tokenLogprobs: [-8])
        #expect(ScoredChoice([short, long], .sum).text == " été")
        #expect(ScoredChoice([short, long], .perCharacter).scores == [-2, -1.6])
        #expect(ScoredChoice([short, long], .perByte).scores == [-1.2, -1.6])
        #expect(ScoredChoice([short, long], .perToken).scores == [-3, -8])
        #expect(ScoredChoice([short, long], .perCharacter).text == " hiver")
        #expect(ScoredContinuation(text: "", tokenLogprobs: []).score(.perByte) == 0)
    }

    @Test("the best of several answers is the one that a fusion finds most probable")
    func bestOf() async throws {
        let writer = ScriptedModel("writer", samples: ["d", "ab", "ba", "cd"])
        let judge = FusedModel(nil, .mixture, members: [Self.steady, Self.chain])
        let best = BestOf(4, by: .likelihood(under: judge)) { writer }
        let response = try await best.respond(to: Request("c"))
        #expect(response.text == "ab" && writer.callCount == 4)
        // The square root of 0.25 · 0.5.
        let confidences = response.trace?.nodes.compactMap(\.confidence) ?? []
        #expect(confidences.contains { abs($0 * $0 - 0.125) < 1e-5 })
    }

    @Test("the judge of a likelihood is among those who see what is asked")
    func judges() {
        let judge = FusedModel(nil, .mixture, members: [Self.steady, Self.chain])
        let signal = ConfidenceSignal.likelihood(under: judge)
        #expect(signal.models.map(\.name) == [judge.name] && signal.callRange == 0...0)
        let writer = ScriptedModel("writer", samples: ["a"]).located(.local)
        #expect(BestOf(2, by: .meanTokenProbability) { writer }.profile.locality == .local)
        #expect(BestOf(2, by: signal) { writer }.profile.locality != .local)
    }

    @Test("long texts are told apart by their whole probabilities, however small")
    func longTexts() async throws {
        let harsh = FusedModel(nil, .mixture, members: [ToyModel("harsh", always: [0, 0, 0, -30, 0])])
        let (long, short) = (String(repeating: "d", count: 40), String(repeating: "d", count: 30))
        let writer = ScriptedModel("writer", samples: [ScriptedAnswer(long), ScriptedAnswer(short)])
        let response = try await BestOf(2, by: .likelihood(under: harsh, by: .sum)) { writer }
            .respond(to: Request("c"))
        #expect(response.text == short)
        let values = [-0.5, -699, -701, -744, -800, -1e6, -1e9].map(orderedExponential)
        #expect(zip(values, values.dropFirst()).allSatisfy(>) && values.allSatisfy { $0 > 0 })
        #expect(orderedExponential(-.infinity) == 0 && orderedExponential(0) == 1)
    }

    @Test("attribution names the member that moved the choice")
    func attribution() async throws {
        // Alone the first would write a, b, a; the second turns the second token.
        let base = ToyModel("base", always: logs(0.5, 0.3, 0.1, 0.05, 0.05))
        let mover = ToyModel("mover") { tokens in logs(0.2, tokens.last == 0 ? 0.7 : 0.05, 0.1, 0.1, 0.1) }
        let fused = FusedModel(nil, .productOfExperts, members: [base, mover])
        let tokens = try await fused.attribution(of: "ab", after: request)
        #expect(tokens.map(\.token) == [0, 1])
        #expect(tokens[0].decisive.isEmpty && tokens[0].favourite == 0 && tokens[0].alternative == 1)
        #expect(tokens[1].decisive == ["mover"] && tokens[1].alternative == 0)
        #expect(tokens[1].members.map(\.favourite) == [0, 1])
        #expect(tokens[1].members.map(\.favouriteWithout) == [1, 0])
        // Half the logarithms of 0.3 / 0.5 and 0.7 / 0.2.
        let contributions = tokens[1].members.map(\.contribution)
        #expect(abs(contributions[0] - 0.5 * Double(logs(0.6)[0])) < 1e-5)
        #expect(abs(contributions[1] - 0.5 * Double(logs(3.5)[0])) < 1e-5)
        // They add up to the fusion's own preference.
        let scores = try await fused.score(["ab", "aa"], after: request).map { $0.tokenLogprobs[1] }
        #expect(abs(contributions[0] + contributions[1] - (scores[0] - scores[1])) < 1e-4)
        await #expect(throws: CollabError.self) { try await fused.attribution(of: "", after: request) }
    }

    @Test("where a mask leaves one token, it is compared with what the mask took away")
    func maskedAttribution() async throws {
        let base = ToyModel("base", always: logs(0.01, 0.03, 0.9, 0.04, 0.02))
        let other = ToyModel("other", always: logs(0.05, 0.4, 0.35, 0.1, 0.1))
        let fused = FusedModel(nil, .contrastive(), members: [base, other])
        let token = try #require(try await fused.attribution(of: "c", after: request).first)
        // 1.5 ln p₀ − 0.5 ln p₁ of the tokens but c: d is ahead.
        #expect(token.alternative == 3 && token.favourite == 2)
        let parts = token.members.map(\.contribution)
        #expect(abs(parts[0] - 1.5 * Double(logs(0.9 / 0.04)[0])) < 1e-4)
        #expect(abs(parts[1] + 0.5 * Double(logs(3.5)[0])) < 1e-4)
    }

    @Test("where nothing else is possible, there is no alternative and no contribution")
    func onlyToken() async throws {
        let certain = ToyModel("certain", always: logs(0, 0, 1, 0, 0))
        let fused = FusedModel(nil, .mixture, members: [certain, certain])
        let token = try #require(try await fused.attribution(of: "c", after: request).first)
        #expect(token.alternative == nil && token.favourite == 2)
        #expect(token.members.allSatisfy { $0.contribution == 0 })
    }
}
