import Testing

@testable import Collab

@Suite("Choosing a token")
struct TokenSamplerTests {
    let logits = Logits(logs(0.1, 0.4, 0.3, 0.15, 0.05))

    /// How often each token is chosen in many draws.
    func shares(_ sampling: Sampling, _ logits: Logits? = nil, draws: Int = 4000) throws -> [Double] {
        var sampler = TokenSampler(sampling, seed: 3)
        var counts = [Double](repeating: 0, count: 5)
        for _ in 0..<draws { counts[Int(try sampler.choose(from: logits ?? self.logits).token)] += 1 }
        return counts.map { $0 / Double(draws) }
    }

    func expect(
        _ shares: [Double],
        _ probabilities: [Double],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for (share, probability) in zip(shares, probabilities) {
            // Five standard deviations of 4000 draws.
            let allowed = 5 * (probability * (1 - probability) / 4000).squareRoot() + 1e-12
            #expect(abs(share - probability) <= allowed, "\(shares)", sourceLocation: sourceLocation)
        }
    }

    @Test("greedy takes the most probable token, the lowest id among equals")
    func greedy() throws {
        var sampler = TokenSampler(.greedy)
        #expect(try sampler.choose(from: logits).token == 1)
        #expect(try sampler.choose(from: Logits([0, 2, 1, 2])).token == 1)
        #expect(try sampler.choose(from: Logits([-.infinity, -.infinity, -3])).token == 2)
    }

    @Test("reports log-probabilities of the model, before any transform")
    func logprobs() throws {
        let shifted = Logits(logits.values.map { $0 + 7 })
        var sampler = TokenSampler(Sampling(temperature: 0.1, topK: 1), alternatives: 3)
        let choice = try sampler.choose(from: shifted)
        #expect(abs(choice.logprob - log(0.4)) < 1e-5)
        #expect(choice.alternatives.map(\.token) == [1, 2, 3])
        #expect(abs(choice.alternatives[2].logprob - log(0.15)) < 1e-5)
    }

    @Test("draws from the whole distribution at temperature 1, and from its square at 0.5")
    func temperature() throws {
        expect(try shares(.temperature(1)), [0.1, 0.4, 0.3, 0.15, 0.05])
        let squares = [0.01, 0.16, 0.09, 0.0225, 0.0025]
        expect(try shares(.temperature(0.5)), squares.map { $0 / squares.reduce(0, +) })
    }

    @Test("top-k, top-p and min-p keep the documented sets")
    func truncation() throws {
        expect(try shares(Sampling(topK: 2)), [0, 4.0 / 7, 3.0 / 7, 0, 0])
        expect(try shares(Sampling(topP: 0.69)), [0, 4.0 / 7, 3.0 / 7, 0, 0])
        expect(try shares(Sampling(topP: 0.75)), [0, 0.4 / 0.85, 0.3 / 0.85, 0.15 / 0.85, 0])
        expect(try shares(Sampling(minP: 0.3)), [0, 0.4 / 0.85, 0.3 / 0.85, 0.15 / 0.85, 0])
        // Top-p works on what top-k has left: 0.4/0.7 already reaches 0.55.
        expect(try shares(Sampling(topK: 2, topP: 0.55)), [0, 1, 0, 0, 0])
        expect(try shares(Sampling(topP: 1e-9)), [0, 1, 0, 0, 0])
    }

    @Test("the shortlist grows past its first size")
    func longShortlist() throws {
        let flat = Logits([Float](repeating: 0, count: 300))
        var sampler = TokenSampler(Sampling(topP: 0.9), seed: 1)
        var seen = Set<TokenID>()
        for _ in 0..<2000 { seen.insert(try sampler.choose(from: flat).token) }
        #expect(seen.count > 260 && seen.count <= 271)
        // Equal tokens are ordered by id, so the first 270 are the list.
        #expect(seen.max()! <= 270)
    }

    @Test("the penalty divides positive and multiplies negative logits of recent tokens")
    func repetition() throws {
        var sampler = TokenSampler(Sampling(temperature: 0, repetitionPenalty: 2, repetitionWindow: 2))
        let values = Logits([4, 3, 2.5, -1])
        let tokens = try (0..<5).map { _ in try sampler.choose(from: values).token }
        // 4 → 2 makes room for 3; then both are halved and 2.5 wins; then the window forgets the first.
        #expect(tokens == [0, 1, 2, 0, 1])
        var negative = TokenSampler(Sampling(temperature: 0, repetitionPenalty: 2))
        #expect(try (0..<2).map { _ in try negative.choose(from: Logits([-1, -1.5])).token } == [0, 1])
    }

    @Test("equal seeds choose alike, different seeds do not")
    func seeds() throws {
        func run(_ seed: UInt64) throws -> [TokenID] {
            var sampler = TokenSampler(.temperature(1), seed: seed)
            return try (0..<40).map { _ in try sampler.choose(from: logits).token }
        }
        #expect(try run(5) == run(5))
        #expect(try run(5) != run(6))
    }

    @Test("broken and fully masked logits are typed errors")
    func broken() {
        var sampler = TokenSampler(.greedy)
        let notFinite = #expect(throws: CollabError.self) { try sampler.choose(from: Logits([0, .nan, 1])) }
        #expect(notFinite?.code == .notFinite)
        #expect(notFinite?.message.contains("token 1") == true)
        #expect(throws: CollabError.self) { try sampler.choose(from: Logits([0, .infinity])) }
        let masked = #expect(throws: CollabError.self) {
            try sampler.choose(from: Logits([-.infinity, -.infinity]))
        }
        #expect(masked?.code == .nothingToSample)
        let empty = #expect(throws: CollabError.self) { try sampler.choose(from: Logits([])) }
        #expect(empty?.code == .nothingToSample)
    }

    @Test("a temperature next to zero is greedy rather than a division by zero")
    func tinyTemperature() throws {
        var sampler = TokenSampler(.temperature(1e-300))
        #expect(try sampler.choose(from: logits).token == 1)
    }

    @Test(
        "the largest logits are enough for greedy and top-k choices, which are then those of the row",
        arguments: [
            Sampling.greedy, Sampling(temperature: 0.8, topK: 1), Sampling(topK: 5),
            Sampling(temperature: 1.5, topK: 40, topP: 0.8), Sampling(topK: 128, minP: 0.2),
            Sampling(temperature: 1e-300, topK: 9), Sampling(topK: 60),
        ]
    )
    func largestAreEnough(sampling: Sampling) throws {
        var generator = SeededGenerator(seed: 5)
        var fromRow = TokenSampler(sampling, alternatives: 3, seed: 9)
        var fromTop = fromRow
        let count = try #require(fromTop.neededCount)
        for _ in 0..<200 {
            // Few different values, so that many are equal; some are masked out.
            var values = (0..<50).map { _ in Float(Int(generator.nextUnit() * 20)) / 4 }
            for index in 0..<10 { values[5 * index] = -.infinity }
            let sorted = values.indices.sorted { (-values[$0], $0) < (-values[$1], $1) }
            let sum = values.reduce(0.0) { $0 + exp(Double($1)) }
            let top = TopTokens(
                entries: sorted.prefix(count).map { .init(token: TokenID($0), logit: values[$0]) },
                logSumExp: log(sum)
            )
            let expected = try fromRow.choose(from: Logits(values))
            let choice = try fromTop.choose(from: top)
            #expect(choice.token == expected.token)
            #expect(choice.alternatives.map(\.token) == expected.alternatives.map(\.token))
            #expect(abs(choice.logprob - expected.logprob) < 1e-5)
        }
    }

    @Test("what depends on the whole row asks for it")
    func wholeRow() {
        let wanting = [
            Sampling.temperature(1), .temperature(1, topP: 0.9), Sampling(topK: 129), Sampling(minP: 0.1),
            Sampling(temperature: 0, repetitionPenalty: 1.1),
        ]
        for sampling in wanting { #expect(TokenSampler(sampling).neededCount == nil) }
        #expect(TokenSampler(.greedy, alternatives: 129).neededCount == nil)
        #expect(TokenSampler(.greedy).neededCount == 1)
        #expect(TokenSampler(Sampling(topK: 7), alternatives: 9).neededCount == 9)
    }

    @Test("draws over a large vocabulary follow the distribution")
    func largeVocabulary() throws {
        var generator = SeededGenerator(seed: 11)
        let values = (0..<5000).map { _ in Float(generator.nextUnit() * 3) }
        let weights = values.map { exp(Double($0)) }
        let whole = weights.reduce(0, +)
        let half = weights[..<2500].reduce(0, +) / whole
        var sampler = TokenSampler(.temperature(1), seed: 2)
        let low = try (0..<4000).filter { _ in try sampler.choose(from: Logits(values)).token < 2500 }.count
        #expect(abs(Double(low) / 4000 - half) < 0.04)
    }
}

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
