import Testing

@testable import Collab

@Suite("Speculation")
struct SpeculationTests {
    // MARK: Models

    /// A model over four letters whose distribution follows from the last three tokens as chance would have it.
    private static func chance(_ salt: UInt64, _ name: String = "chance", reads: Protected<[Int]>? = nil)
        -> ToyModel
    {
        var model = ToyModel(name) { tokens in
            var hash = salt
            for token in tokens.suffix(3) { hash = (hash ^ UInt64(token + 1)) &* 0x100_0000_01b3 }
            var generator = SeededGenerator(seed: hash)
            // The end is improbable.
            return (0..<5).map { Float(generator.nextUnit()) * 3 - ($0 == 4 ? 3 : 0) }
        }
        if let reads {
            model.onAppend = { (tokens) async throws(CollabError) in
                reads.withLock { $0.append(tokens.count) }
            }
        }
        return model
    }

    /// What is to be written, once by one model and once by each kind of fusion.
    private static var targets: [any LogitModel] {
        let (a, b, c) = (chance(1, "a"), chance(2, "b"), chance(3, "c"))
        return [
            a,
            a.processed(by: TokenBias([1: -.infinity])),
            FusedModel(nil, .productOfExperts, members: [a, b]),
            FusedModel(nil, .mixture, members: [a, b, c]),
            FusedModel(nil, .contrastive(), members: [a, b]),
            FusedModel(nil, .dexperts(strength: 1), members: [a, b, c]),
        ]
    }

    /// Proposes what it is told, whatever has been written.
    private struct Stubborn: TokenProposer {
        var tokens: [TokenID]
        var name: String { "stubborn" }
        func validate(for target: any LogitModel) {}
        func start(_ request: Request?, prompt: [TokenID]) async throws(CollabError) -> any TokenProposals {
            Guesses(tokens: tokens)
        }
        struct Guesses: TokenProposals {
            var tokens: [TokenID]
            func propose(after written: [TokenID], count: Int) async throws(CollabError) -> [TokenID] {
                tokens
            }
            func fork() async throws(CollabError) -> any TokenProposals { self }
        }
    }

    private static var proposers: [any TokenProposer] {
        [
            ModelProposer(chance(1, "a")), ModelProposer(chance(9, "other")), PromptLookup(),
            Stubborn(tokens: [0, 0, 0, 0, 0, 0]), Stubborn(tokens: [2, 99, 1]), Stubborn(tokens: [4, 4]),
        ]
    }

    private static let lengths: [SpeculationLength] = [.fixed(0), .fixed(1), .fixed(4), .automatic()]

    private static func write(
        _ model: some LogitModel,
        _ prompt: String,
        _ sampling: Sampling,
        seed: UInt64 = 7
    ) async throws -> Response {
        let options = GenerationOptions(maximumTokens: 40, sampling: sampling, seed: seed)
        return try await model.respond(to: Request(.completion(prompt), options: options))
    }

    /// Whether a model writes the same with guesses as without, tokens and log-probabilities.
    private static func expectEqual(
        _ target: some LogitModel,
        _ proposer: some TokenProposer,
        _ length: SpeculationLength
    ) async throws {
        for prompt in ["a", "abcd", "ddc"] {
            for sampling in [Sampling.greedy, .temperature(1), .temperature(0.8, topP: 0.9)] {
                let plain = try await write(target, prompt, sampling)
                let fast = try await write(
                    target.speculating(with: proposer, length: length),
                    prompt,
                    sampling
                )
                #expect(fast.text == plain.text)
                #expect(fast.tokens == plain.tokens)
                #expect(fast.ending == plain.ending)
                #expect(fast.usage.completionTokens == plain.usage.completionTokens)
            }
        }
    }

    // MARK: Answers

    @Test("answers are those of plain decoding, greedy and sampled, for every target, proposer and length")
    func lossless() async throws {
        for target in Self.targets {
            for proposer in Self.proposers {
                for length in Self.lengths { try await Self.expectEqual(target, proposer, length) }
            }
        }
    }

    /// The reference is the product of the toy's own probabilities, by hand.
    @Test("sampled answers have the model's distribution, whatever guesses")
    func distribution() async throws {
        let model = Self.chance(5)
        func probabilities(_ tokens: [TokenID]) -> [Double] {
            let values = model.next(tokens).map { exp(Double($0)) }
            return values.map { $0 / values.reduce(0, +) }
        }
        let prompt = try model.promptTokens(for: Request(.completion("a")))
        var expected: [[TokenID]: Double] = [:]
        let first = probabilities(prompt)
        for one in 0..<5 as Range<TokenID> {
            guard one < 4 else {
                expected[[one]] = first[4]
                continue
            }
            let second = probabilities(prompt + [one])
            for two in 0..<5 as Range<TokenID> { expected[[one, two]] = first[Int(one)] * second[Int(two)] }
        }
        let draws = 4000
        var seen: [[TokenID]: Int] = [:]
        let fast = model.speculating(with: ModelProposer(Self.chance(6)), length: .fixed(3))
        for seed in 0..<UInt64(draws) {
            let options = GenerationOptions(maximumTokens: 2, sampling: .temperature(1), seed: seed)
            let response = try await fast.respond(to: Request(.completion("a"), options: options))
            var tokens = response.tokens?.compactMap(\.id) ?? []
            if response.ending == .finished { tokens.append(4) }
            seen[tokens, default: 0] += 1
        }
        var statistic = 0.0
        for (tokens, probability) in expected {
            let wanted = probability * Double(draws)
            let difference = Double(seen[tokens] ?? 0) - wanted
            statistic += difference * difference / wanted
        }
        #expect(seen.keys.allSatisfy { expected[$0] != nil })
        // The 99.9th percentile of χ² with 20 degrees of freedom.
        #expect(statistic < 45.3)
    }

    @Test("a run's seed gives the answer that it gives without guesses, whatever is around them")
    func seeds() async throws {
        let model = Self.chance(1)
        let fused = FusedModel(nil, .mixture, members: [Self.chance(1, "a"), Self.chance(2, "b")])
        let constraint = try Constraint.regularExpression("[abcd]{40}")
        func write(_ model: some LogitModel) async throws -> String {
            let options = GenerationOptions(maximumTokens: 40, sampling: .temperature(1))
            return try await model.respond(to: .completion("a", options: options), in: Run(seed: 5)).text
        }
        func guessing<Model: LogitModel>(_ model: Model) -> SpeculativeModel<Model> {
            model.speculating(with: ModelProposer(Self.chance(9)), length: .fixed(2))
        }
        let plain = try await write(model)
        #expect(try await write(guessing(model)) == plain)
        #expect(try await write(guessing(guessing(model)).named("guessing").options { _ in }) == plain)
        let held = try await write(model.constrained(to: constraint))
        #expect(try await write(guessing(model).constrained(to: constraint)) == held)
        #expect(try await write(guessing(model.constrained(to: constraint))) == held)
        let biased = try await write(model.processed(by: TokenBias([0: -1])))
        #expect(try await write(guessing(model).processed(by: TokenBias([0: -1]))) == biased)
        let together = try await write(fused)
        #expect(try await write(guessing(fused)) == together)
        #expect(try await write(fused.alternating(.fixed(1))) == together)
        #expect(try await write(guessing(fused.alternating(.fixed(1)))) == together)
    }

    @Test("a run's seed gives the answer that it gives without guesses of the members")
    func memberSeeds() async throws {
        let (a, b) = (Self.chance(1, "a"), Self.chance(2, "b"))
        let guessing = a.speculating(with: ModelProposer(Self.chance(9)), length: .fixed(2))
        func write(_ model: some TextModel) async throws -> String {
            let options = GenerationOptions(maximumTokens: 40, sampling: .temperature(1))
            return try await model.respond(to: .completion("a", options: options), in: Run(seed: 5)).text
        }
        func same(_ model: (any LogitModel) -> any TextModel) async throws -> Bool {
            try await write(model(a)) == write(model(guessing))
        }
        let constraint = try Constraint.regularExpression("[abcd]{40}")
        #expect(try await same { FusedModel(nil, .mixture, members: [$0, b]) })
        #expect(try await same { FusedModel(nil, .mixture, members: [$0, b]).alternating(.fixed(1)) })
        #expect(try await same { FusedModel(nil, .mixture, members: [$0, b]).constrained(to: constraint) })
        #expect(try await same { $0 + 0.5 * b })
        #expect(try await same { ($0 + 0.5 * b).processed(by: TokenBias([0: -1])) })
        #expect(try await same { $0.guided(towards: "Be kind.") })
        #expect(try await same { FuseUnion(.mixture, members: [$0, b]) })
        #expect(try await same { FuseUnion(.mixture, members: [$0, b]).constrained(to: constraint) })
        #expect(try await same { PartialFusion(.mixture, members: [TopsOfLogits($0), TopsOfLogits(b)]) })
        func role(_ model: some LogitModel) -> any LogitModel {
            RoleModel(model.name, of: model) { request, _ in request }
        }
        #expect(try await same { FusedModel(nil, .mixture, members: [role($0), role(b)]) })
        #expect(try await same { ByteModel($0) })
        #expect(try await same { TokenCascade($0, b, deferring: .chow(0.2)) })
        #expect(try await same { SwitchingModel(.nudging(), members: [$0, b]) })
        #expect(
            try await same { first in
                FuseLogits(.mixture) {
                    first
                    b
                }
            }
        )
        #expect(
            try await same { first in
                FuseBytes(.mixture) {
                    first
                    b
                }
            }
        )
    }

    // MARK: Passes

    @Test("a proposer that is always right saves passes, one that is always wrong costs none")
    func passes() async throws {
        let reads = Protected<[Int]>([])
        let target = Self.chance(1, reads: reads)
        let options = GenerationOptions(maximumTokens: 16, sampling: .greedy)
        let request = Request(.completion("a"), options: options)
        func counted(_ model: some LogitModel) async throws -> [Int] {
            reads.withLock { $0 = [] }
            let length = try await model.respond(to: request).usage.completionTokens
            #expect(length == 16)
            return reads.withLock { $0 }
        }
        #expect(try await counted(target) == Array(repeating: 1, count: 16))
        // The prompt, and then 5 tokens of each pass.
        let right = target.speculating(with: ModelProposer(Self.chance(1)), length: .fixed(4))
        #expect(try await counted(right) == [1, 5, 5, 5])
        // The end is no guess, and neither is a token that does not exist.
        for useless in [TokenID(4), -1, 5] {
            let wrong = target.speculating(with: Stubborn(tokens: [useless]), length: .fixed(4))
            #expect(try await counted(wrong) == Array(repeating: 1, count: 16))
        }
    }

    @Test("the trace notes how many guesses were right")
    func trace() async throws {
        let fast = Self.chance(1).speculating(with: ModelProposer(Self.chance(1)), length: .fixed(4))
        let run = Run()
        let options = GenerationOptions(maximumTokens: 16, sampling: .greedy)
        _ = try await fast.respond(to: Request(.completion("a"), options: options), in: run)
        let call = try #require(run.trace?.calls.first)
        #expect(call.note("guesses") == "12 of 12 right")
        #expect(call.note("forward passes") == "3")
    }

    // MARK: Decoders

    @Test("forks and truncation leave the guesses behind")
    func decoders() async throws {
        let model = Self.chance(1)
        let fast = model.speculating(with: ModelProposer(Self.chance(1)), length: .fixed(4))
        let start = try await fast.startDecoding(Request(.completion("ab")))
        let decoder = start.decoder
        func plain(_ tokens: [TokenID]) -> [Float] { model.next([0, 1] + tokens) }
        #expect(try await decoder.append(2).values == plain([2]))
        #expect(decoder.position == 3)
        let fork = try await decoder.fork()
        #expect(try await fork.append(0).values == plain([2, 0]))
        #expect(try await decoder.append(3).values == plain([2, 3]))
        #expect(
            try await decoder.append([1, 1], logits: .all).map(\.values) == [
                plain([2, 3, 1]), plain([2, 3, 1, 1]),
            ]
        )
        try await decoder.truncate(to: 3)
        #expect(try await decoder.append(1).values == plain([2, 1]))
        #expect(try await fork.append(3).values == plain([2, 0, 3]))
        #expect((decoder.position, fork.position) == (4, 5))
        let error = await #expect(throws: CollabError.self) { try await decoder.truncate(to: 1) }
        #expect(error?.code == .invalidRequest)
    }

    @Test("the context is filled to its end, as without guesses")
    func fullContext() async throws {
        var model = Self.chance(1)
        model.contextLength = 9
        for length in Self.lengths {
            try await Self.expectEqual(model, ModelProposer(Self.chance(1)), length)
            try await Self.expectEqual(Self.chance(1), ModelProposer(model), length)
        }
    }

    @Test("a guessing model whose context is too short, even for the prompt, stops guessing")
    func shortDraft() async throws {
        var draft = Self.chance(1)
        for length in 1...5 {
            draft.contextLength = length
            try await Self.expectEqual(Self.chance(1), ModelProposer(draft), .fixed(3))
        }
    }

    @Test("a guess that cannot be read is read without")
    func refusedGuess() async throws {
        struct NoB: LogitProcessor {
            var name: String { "no b" }
            func start(after prompt: [TokenID]) {}
            func advance(_ state: inout Void, by token: TokenID) throws(CollabError) {
                if token == 1 { throw CollabError(.invalidRequest, "There is a b.") }
            }
            func process(_ logits: inout Logits, in state: Void) { logits[1] = -.infinity }
        }
        let target = Self.chance(1).processed(by: NoB())
        try await Self.expectEqual(target, Stubborn(tokens: [1, 1]), .fixed(2))
    }

    @Test("what cannot be guessed is said before anything is written")
    func invalid() async throws {
        let model = Self.chance(1)
        let strange = ToyModel("strange", ToyTokenizer(["x", "y", "z", "w"]), always: [1, 0, 0, 0, 0])
        let cases: [(any TokenProposer, SpeculationLength, CollabError.Code)] = [
            (ModelProposer(strange), .automatic(), .vocabularyMismatch),
            (PromptLookup(longest: 1, shortest: 2), .automatic(), .invalidRequest),
            (PromptLookup(longest: 1, shortest: 0), .automatic(), .invalidRequest),
            (PromptLookup(), .fixed(-1), .invalidRequest),
            (PromptLookup(), .automatic(upTo: -1), .invalidRequest),
        ]
        for (proposer, length, code) in cases {
            let error = await #expect(throws: CollabError.self) {
                try await Self.write(model.speculating(with: proposer, length: length), "a", .greedy)
            }
            #expect(error?.code == code)
        }
    }

    // MARK: Proposals

    @Test("prompt lookup continues the longest end that occurs further up, at its last place")
    func lookup() {
        let lookup = PromptLookup()
        #expect(lookup.continuation(of: [1, 2, 3, 4, 9, 2, 3, 5, 1, 2, 3], count: 2) == [4, 9])
        #expect(lookup.continuation(of: [7, 1, 8, 1, 9, 1], count: 4) == [9, 1])
        #expect(lookup.continuation(of: [1, 2, 3], count: 4) == [])
        #expect(PromptLookup(longest: 3, shortest: 2).continuation(of: [7, 1, 8, 1], count: 4) == [])
        #expect(lookup.continuation(of: [], count: 4) == [])
        #expect(lookup.continuation(of: [1, 1], count: 0) == [])
    }

    /// The reference: (1 − a^(γ+1)) / (1 − a) tokens for γ p + c(γ + 1) seconds, worked out by hand.
    @Test("the length follows from what guesses cost and how many are right")
    func planner() {
        func chosen(right: Bool, perGuess: Double, perToken: Double) -> Int {
            var planner = SpeculationPlanner(.automatic(upTo: 6))
            #expect(planner.next() == 0)
            for _ in 0..<100 {
                planner.notePass(of: 1, seconds: 1)
                planner.notePass(of: 5, seconds: 1 + 4 * perToken)
                planner.noteProposal(of: 4, seconds: 4 * perGuess)
                planner.noteGuess(isRight: right)
            }
            return planner.next()
        }
        #expect(chosen(right: true, perGuess: 0.05, perToken: 0.05) == 6)
        #expect(chosen(right: false, perGuess: 0.05, perToken: 0.05) == 0)
        // A guess that costs what it saves.
        #expect(chosen(right: true, perGuess: 0.5, perToken: 0.6) == 0)
        var fixed = SpeculationPlanner(.fixed(3))
        #expect(fixed.next() == 3)
    }

    @Test("whoever decodes plainly looks again now and then")
    func patience() {
        var planner = SpeculationPlanner(.automatic())
        planner.notePass(of: 1, seconds: 1)
        #expect(planner.next() == 4)
        planner.notePass(of: 5, seconds: 9)
        planner.noteProposal(of: 4, seconds: 9)
        let lengths = (0..<70).map { _ in planner.next() }
        #expect(lengths.filter { $0 == 2 }.count == 2)
        #expect(lengths.filter { $0 == 0 }.count == 68)
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
