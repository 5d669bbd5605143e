import Testing

@testable import Collab

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("Members that take turns at guessing")
struct AlternatingTests {
    private static func chance(_ salt: UInt64, _ name: String, reads: Protected<[Int]>? = nil) -> ToyModel {
        var model = ToyModel(name) { tokens in
            var hash: UInt64 = 1
            for token in tokens.suffix(3) { hash = (hash ^ UInt64(token + 1)) &* 0x100_0000_01b3 }
            var generator = SeededGenerator(seed: hash)
            // What the members have in common, and what is a member's own.
            let common = (0..<5).map { Float(generator.nextUnit()) * 3 - ($0 == 4 ? 3 : 0) }
            var own = SeededGenerator(seed: hash ^ salt)
            return common.map { $0 + Float(own.nextUnit()) }
        }
        if let reads {
            model.onAppend = { (tokens) async throws(CollabError) in
                reads.withLock { $0.append(tokens.count) }
            }
        }
        return model
    }

    private static let fusions: [(Fusion, Int)] = [
        (.productOfExperts, 2), (.productOfExperts(weights: [1, 1]), 2), (.mixture, 3), (.contrastive(), 2),
        (.contextAware(alpha: 1), 2), (.dexperts(strength: 1), 3), (.union, 2), (.productOfExperts, 4),
        (Fusion.dexperts().scheduled(.decay(halfLife: 5)), 3),
        (Fusion.mixture.gated(by: .disagreement(above: 0.2)), 2),
    ]

    private static func fused(_ fusion: Fusion, _ count: Int) -> FusedModel {
        FusedModel(nil, fusion, members: (0..<count).map { chance(UInt64(77 + $0), "m\($0)") })
    }

    private static func write(
        _ model: some LogitModel,
        _ prompt: String,
        _ sampling: Sampling,
        seed: UInt64 = 7
    )
        async throws -> Response
    {
        let options = GenerationOptions(maximumTokens: 40, sampling: sampling, seed: seed)
        return try await model.respond(to: Request(.completion(prompt), options: options))
    }

    @Test("answers are those of plain fusion, greedy and drawn, for every rule and length")
    func lossless() async throws {
        for (fusion, count) in Self.fusions {
            let plain = Self.fused(fusion, count)
            for length in [SpeculationLength.fixed(0), .fixed(1), .fixed(3), .automatic()] {
                for prompt in ["a", "ddc"] {
                    for sampling in [
                        Sampling.greedy, .temperature(1), .temperature(0.8, topP: 0.9),
                        Sampling(temperature: 1, repetitionPenalty: 1.2),
                    ] {
                        let expected = try await Self.write(plain, prompt, sampling)
                        let found = try await Self.write(plain.alternating(length), prompt, sampling)
                        #expect(found.text == expected.text, "\(fusion) \(length) \(sampling)")
                        #expect(found.tokens == expected.tokens)
                        #expect(found.ending == expected.ending)
                    }
                }
            }
        }
    }

    /// The reference is the fused distribution of the toys' own rows.
    @Test(
        "drawn answers have the fused distribution, whichever agreement is kept",
        arguments: [GuessAgreement.sameAnswer, .sameDistribution],
        [Fusion.contrastive(), .mixture, .productOfExperts(weights: [1, 1]), .contextAware(alpha: 1)]
    )
    func distribution(agreement: GuessAgreement, fusion: Fusion) async throws {
        let fused = Self.fused(fusion, 2)
        let plan = try fused.plan()
        let models = [Self.chance(77, "m0"), Self.chance(78, "m1")]
        func probabilities(_ tokens: [TokenID]) throws -> [Double] {
            let step = try plan.fuse(models.map { Logits($0.next(tokens)) }, names: ["", ""])
            return FusionReference.logSoftmax(step.logits.values.map { Double($0) }).map { exp($0) }
        }
        var expected: [[TokenID]: Double] = [:]
        // The first token has no guess; those after it have.
        func add(_ tokens: [TokenID], _ probability: Double) throws {
            if tokens.count == 3 || tokens.last == 4 {
                expected[tokens] = probability
                return
            }
            for (token, share) in try probabilities([0] + tokens).enumerated() where share > 0 {
                try add(tokens + [TokenID(token)], probability * share)
            }
        }
        try add([], 1)
        let draws = 4000
        var seen: [[TokenID]: Int] = [:]
        for seed in 0..<UInt64(draws) {
            let options = GenerationOptions(maximumTokens: 3, sampling: .temperature(1), seed: seed)
            let model = fused.alternating(.fixed(2), keeping: agreement)
            let response = try await model.respond(to: Request(.completion("a"), options: options))
            var tokens = response.tokens?.compactMap(\.id) ?? []
            if response.ending == .finished { tokens.append(4) }
            seen[tokens, default: 0] += 1
        }
        #expect(seen.keys.allSatisfy { expected[$0] != nil })
        // Rare outcomes are taken together.
        var (statistic, freedom, rareWanted, rareSeen) = (0.0, -1, 0.0, 0.0)
        for (tokens, probability) in expected {
            let (wanted, found) = (probability * Double(draws), Double(seen[tokens] ?? 0))
            if wanted < 5 {
                (rareWanted, rareSeen) = (rareWanted + wanted, rareSeen + found)
            } else {
                statistic += (found - wanted) * (found - wanted) / wanted
                freedom += 1
            }
        }
        if rareWanted > 0 { statistic += (rareSeen - rareWanted) * (rareSeen - rareWanted) / rareWanted }
        // The 99.9th percentile of χ² is below n + 3.5 √(2n) + 8.
        let limit = Double(freedom + 1) + 3.5 * (2 * Double(freedom + 1)).squareRoot() + 8
        #expect(statistic < limit)
    }

    @Test("where the distribution is kept, as many guesses count as two distributions have in common")
    func acceptance() async throws {
        let rows: [[Float]] = [logs(0.5, 0.3, 0.2, 1e-6, 1e-9), logs(0.2, 0.3, 0.5, 1e-6, 1e-9)]
        let members = rows.enumerated().map { ToyModel("m\($0.offset)", always: $0.element) }
        let fused = FusedModel(nil, .mixture, members: members)
        var (right, judged) = (0, 0)
        for seed in 0..<60 as Range<UInt64> {
            let options = GenerationOptions(maximumTokens: 40, sampling: .temperature(1), seed: seed)
            let run = Run()
            let model = fused.alternating(.fixed(1), keeping: .sameDistribution)
            let response = try await model.respond(to: Request(.completion("a"), options: options), in: run)
            let notes = try #require(run.trace?.calls.first)
            let count = try #require(notes.note("guesses")?.split(separator: " ").first.flatMap { Int($0) })
            let share = try #require(notes.note("acceptance").flatMap { Double($0) })
            right += count
            judged += Int((Double(count) / share).rounded())
            #expect(response.usage.completionTokens == 40)
        }
        // Σ min(q, r) with r = (0.35, 0.3, 0.35), by hand; σ is below 0.008.
        #expect(abs(Double(right) / Double(judged) - 0.85) < 0.03)
    }

    @Test(
        "guesses keep to what the fusion's mask can let pass",
        arguments: [GuessAgreement.sameAnswer, .sameDistribution]
    )
    func masked(agreement: GuessAgreement) async throws {
        // A sixth of the probability lies below the mask's threshold. Equal members of a contrast give p over the rest.
        let row = logs(0.5, 0.3333, 0.04, 0.04, 1e-9)
        let members = ["expert", "amateur"].map { ToyModel($0, always: row) }
        for fusion in [
            Fusion.contrastive(), Fusion.guidance(), Fusion.productOfExperts.masked(by: .sharedTop(2)),
        ] {
            let fused = FusedModel(nil, fusion, members: members)
            var (right, proposed) = (0, 0)
            for seed in 0..<30 as Range<UInt64> {
                let model = fused.alternating(.fixed(1), keeping: agreement)
                let options = GenerationOptions(maximumTokens: 40, sampling: .temperature(1), seed: seed)
                let run = Run()
                _ = try await model.respond(to: Request(.completion("a"), options: options), in: run)
                let note = try #require(run.trace?.calls.first?.note("guesses")).split(separator: " ")
                right += try #require(Int(note[0]))
                proposed += try #require(Int(note[2]))
            }
            #expect(proposed > 500)
            // The last guess of an answer is not judged.
            #expect(proposed - right <= 30, "\(fusion)")
        }
    }

    /// Reads no b, though another member may guess it.
    private struct NoB: LogitProcessor {
        var name: String { "no b" }
        func start(after prompt: [TokenID]) {}
        func advance(_ state: inout Void, by token: TokenID) throws(CollabError) {
            if token == 1 { throw CollabError(.invalidRequest, "There is a b.") }
        }
        func process(_ logits: inout Logits, in state: Void) { logits[1] = -.infinity }
    }

    @Test(
        "a guess that a member cannot read is judged all the same",
        arguments: [GuessAgreement.sameAnswer, .sameDistribution]
    )
    func unreadable(agreement: GuessAgreement) async throws {
        let guesser = ToyModel("guesser", always: logs(0.2, 0.5, 0.3, 1e-9, 1e-9))
        let reader = ToyModel("reader", always: logs(0.5, 0.2, 0.3, 1e-9, 1e-9)).processed(by: NoB())
        let fused = FusedModel(nil, .productOfExperts, members: [guesser, reader])
        let turns = fused.alternating(.fixed(2), keeping: agreement)
        var count = 0
        for seed in 0..<200 as Range<UInt64> {
            let response = try await Self.write(turns, "a", .temperature(1), seed: seed)
            #expect(response.text.count == 40 && !response.text.contains("b"))
            if agreement == .sameAnswer {
                #expect(try await Self.write(fused, "a", .temperature(1), seed: seed).text == response.text)
            }
            count += response.text.count { $0 == "a" }
        }
        // √(0.2 · 0.5) against √(0.3 · 0.3), by hand; σ is 0.0056. Without a judgement it would be 0.457.
        #expect(abs(Double(count) / 8000 - 0.5132) < 0.02)
        let greedy = try await Self.write(turns, "a", .greedy)
        #expect(greedy.tokens == (try await Self.write(fused, "a", .greedy).tokens))
    }

    @Test(
        "with a fixed length a seed gives one answer, and other rules than a temperature are those of plain fusion"
    )
    func agreements() async throws {
        let fused = Self.fused(.mixture, 3)
        let turns = fused.alternating(.fixed(2), keeping: .sameDistribution)
        for seed in 0..<10 as Range<UInt64> {
            let first = try await Self.write(turns, "a", .temperature(1), seed: seed)
            #expect(try await Self.write(turns, "a", .temperature(1), seed: seed).tokens == first.tokens)
            for sampling in [Sampling.greedy, .temperature(0.8, topP: 0.9)] {
                let expected = try await Self.write(fused, "a", sampling, seed: seed)
                #expect(try await Self.write(turns, "a", sampling, seed: seed).tokens == expected.tokens)
            }
        }
    }

    // MARK: Passes

    @Test("two members that always agree read two tokens a pass, in turns")
    func agreement() async throws {
        let reads = [Protected<[Int]>([]), Protected<[Int]>([])]
        let members = reads.map { Self.chance(5, "m", reads: $0) }
        let fused = FusedModel(nil, .productOfExperts, members: members)
        let response = try await Self.write(fused.alternating(.fixed(1)), "a", .greedy)
        #expect(response.usage.completionTokens == 40)
        // The prompt; the first token alone and with a guess; and from then on two tokens every other time.
        let (first, second) = (reads[0].withLock { $0 }, reads[1].withLock { $0 })
        #expect(first.prefix(2) == [1, 1] && first.dropFirst(2).allSatisfy { $0 == 2 })
        #expect(second.first == 1 && second.dropFirst().allSatisfy { $0 == 2 })
        #expect(first.count + second.count == 2 + 1 + 39)
    }

    /// The reference is n / (n − (n − 1) a), with the measured share a of right guesses.
    @Test("passes are what the formula promises", arguments: [2, 3])
    func formula(count: Int) async throws {
        let reads = Protected<[Int]>([])
        let members = (0..<count).map { Self.chance(UInt64(300 + $0), "m\($0)", reads: reads) }
        let fused = FusedModel(nil, .productOfExperts, members: members)
        var (tokens, passes, right, tried) = (0, 0, 0, 0)
        for seed in 0..<60 as Range<UInt64> {
            let model = fused.alternating(.fixed(1))
            let options = GenerationOptions(maximumTokens: 40, sampling: .temperature(1), seed: seed)
            let run = Run()
            reads.withLock { $0 = [] }
            let response = try await model.respond(
                to: Request(.completion("a"), options: options),
                in: run
            )
            tokens += response.usage.completionTokens - 1
            passes += reads.withLock { $0.count } - count
            let note = try #require(run.trace?.calls.first?.note("guesses")).split(separator: " ")
            right += Int(note[0]) ?? 0
            tried += Int(note[2]) ?? 0
        }
        // Guesses behind a wrong one are never tried; the share is found from rounds that ended.
        let failures = Double(tokens - right)
        let acceptance = Double(right) / (Double(right) + failures)
        let promised = Double(count) / (Double(count) - Double(count - 1) * acceptance)
        let found = Double(tokens * count) / Double(passes)
        #expect(abs(found / promised - 1) < 0.06, "\(found) instead of \(promised)")
        #expect(acceptance > 0.5 && tried >= right)
    }

    // MARK: Decoders

    @Test("forks and steps back leave the guesses behind")
    func decoders() async throws {
        let fused = Self.fused(.contrastive(), 2)
        let plain = try await fused.startDecoding(Request(.completion("ab")))
        let turns = try await fused.alternating(.fixed(2)).startDecoding(Request(.completion("ab")))
        #expect(plain.logits.values == turns.logits.values)
        var generator = SeededGenerator(seed: 4)
        for step in 0..<60 {
            if step % 5 == 4 {
                let count = max(2, plain.decoder.position - Int(generator.next() % 3))
                try await plain.decoder.truncate(to: count)
                try await turns.decoder.truncate(to: count)
            }
            let tokens = (0...Int(generator.next() % 2)).map { _ in TokenID(generator.next() % 4) }
            if plain.decoder.position > 40 { break }
            let expected = try await plain.decoder.append(tokens, logits: .all).map(\.values)
            #expect(try await turns.decoder.append(tokens, logits: .all).map(\.values) == expected)
            #expect(plain.decoder.position == turns.decoder.position)
            let fork = try await turns.decoder.fork()
            let other = try await plain.decoder.fork()
            for token in [1, 2, 0] as [TokenID] {
                #expect(try await fork.append(token).values == (try await other.append(token).values))
            }
        }
        let error = await #expect(throws: CollabError.self) { try await turns.decoder.truncate(to: 1) }
        #expect(error?.code == .invalidRequest)
    }

    @Test("contexts are filled to their end, and a member's failure leaves all where they were")
    func limits() async throws {
        var small = Self.chance(78, "small")
        small.contextLength = 9
        let fused = FusedModel(nil, .productOfExperts, members: [Self.chance(77, "m0"), small])
        let expected = try await Self.write(fused, "a", .greedy)
        #expect(try await Self.write(fused.alternating(.fixed(3)), "a", .greedy).tokens == expected.tokens)
        let isBroken = Protected(false)
        var failing = Self.chance(79, "failing")
        failing.onAppend = { (_) async throws(CollabError) in
            if isBroken.withLock({ $0 }) { throw CollabError(.memoryLimit, "no memory") }
        }
        let start = try await FusedModel(nil, .mixture, members: [Self.chance(77, "m0"), failing])
            .alternating(.fixed(1)).startDecoding(Request(.completion("a")))
        let first = try await start.decoder.append(1).values
        isBroken.withLock { $0 = true }
        try await start.decoder.truncate(to: 1)
        let error = await #expect(throws: CollabError.self) { try await start.decoder.append(1) }
        #expect(error?.path == ["failing"])
        isBroken.withLock { $0 = false }
        #expect(start.decoder.position == 1)
        #expect(try await start.decoder.append(1).values == first)
    }

    // MARK: The planner

    /// The reference is the formula of the planner's comment, worked out by hand for free reading and costly passes.
    @Test("who guesses, and how much, follows from costs and from what was right")
    func planner() {
        func planned(costs: [Double], right: [Bool]) -> AlternationPlanner {
            var planner = AlternationPlanner(.automatic(upTo: 4), members: 2)
            #expect(planner.isPlain)
            for _ in 0..<100 {
                for leaf in 0..<2 {
                    planner.notePass(of: leaf, tokens: 1, seconds: costs[leaf])
                    planner.notePass(of: leaf, tokens: 4, seconds: 1.1 * costs[leaf])
                    planner.noteGuess(of: leaf, isRight: right[leaf])
                }
                planner.noteToken(seconds: 1, isPlain: planner.isPlain)
            }
            return planner
        }
        let cheap = planned(costs: [1, 0.05], right: [true, true])
        #expect(cheap.lead == 1 && cheap.most(of: 1) == 4 && cheap.most(of: 0) == 1)
        let equal = planned(costs: [1, 1], right: [true, false])
        #expect(equal.lead == 0)
        var plain = AlternationPlanner(.automatic(), members: 2)
        for _ in 0..<200 { plain.noteToken(seconds: plain.isPlain ? 1 : 2, isPlain: plain.isPlain) }
        #expect(plain.isPlain)
        var turns = AlternationPlanner(.automatic(), members: 2)
        for _ in 0..<201 { turns.noteToken(seconds: turns.isPlain ? 2 : 1, isPlain: turns.isPlain) }
        #expect(!turns.isPlain)
    }
}
