import CollabTesting
import Foundation
import Testing

@testable import Collab

@Suite("Fusions that change from token to token")
struct GatedFusionTests {
    /// A model over four letters whose distribution follows from the last three tokens as chance would have it.
    static func chance(_ salt: UInt64, _ name: String, reads: Protected<[[TokenID]]>? = nil) -> ToyModel {
        var model = ToyModel(name) { tokens in
            var hash = salt
            for token in tokens.suffix(3) { hash = (hash ^ UInt64(token + 1)) &* 0x100_0000_01b3 }
            var generator = SeededGenerator(seed: hash)
            return (0..<5).map { Float(generator.nextUnit()) * 3 - ($0 == 4 ? 3 : 0) }
        }
        if let reads {
            model.onAppend = { (tokens) async throws(CollabError) in reads.withLock { $0.append(tokens) } }
        }
        return model
    }

    private func request(_ count: Int) -> Request {
        Request(.completion("a"), options: GenerationOptions(maximumTokens: count))
    }

    // MARK: Laziness

    @Test("an expert is asked where the gate opens, and reads what was written in between at once")
    func deferral() async throws {
        // Unsure after two letters, and sure otherwise.
        let base = ToyModel("base") { tokens in
            tokens.count % 3 == 0 ? [1, 0.9, 0, 0, -9] : [9, 0, 0, 0, -9]
        }
        let reads = Protected<[[TokenID]]>([])
        var expert = ToyModel("expert", always: [0, 0, 9, 0, -9])
        expert.onAppend = { (tokens) async throws(CollabError) in reads.withLock { $0.append(tokens) } }
        let run = Run()
        let fused = FusedModel(nil, .deferral(where: .confidence(below: 0.5)), members: [base, expert])
        let response = try await fused.respond(to: request(7), in: run)
        #expect(response.text == "aacaaca")
        // The prompt, and then three at a time.
        #expect(reads.withLock { $0 } == [[0], [0, 0], [2, 0, 0]])
        let call = try #require(run.trace?.calls.first)
        #expect(call.note("left to base") == "5 of 7 tokens")
        #expect(call.note("gate") == "the base's favourite is less probable than 0.5")
        #expect(call.note("interventions")?.hasPrefix("0.29 (2 of 7") == true)
    }

    @Test(
        "a member that lags behind is where it should be after forks, steps back and several tokens at once"
    )
    func lags() async throws {
        let members = [Self.chance(1, "a"), Self.chance(2, "b")]
        let gated = FusedModel(nil, Fusion.mixture.gated(by: .entropy(above: 1.2)), members: members)
        let plan = try gated.plan()
        /// What the rule gives after a text, from whole texts.
        func expected(_ tokens: [TokenID]) throws -> [Float] {
            try plan.fuse(members.map { Logits($0.next(tokens)) }, names: ["a", "b"]).logits.values
        }
        let decoder = try await gated.startDecoding(request(1)).decoder
        var text: [TokenID] = [0]
        var generator = SeededGenerator(seed: 3)
        var (alone, together) = (0, 0)
        for step in 0..<200 {
            if step % 7 == 6 {
                let kept = max(1, text.count - Int(generator.next() % 4))
                try await decoder.truncate(to: kept)
                text.removeLast(text.count - kept)
            }
            let new = (0...Int(generator.next() % 3)).map { _ in TokenID(generator.next() % 4) }
            let rows = try await decoder.append(new, logits: .all)
            for (index, row) in rows.enumerated() {
                let values = try expected(text + new[...index])
                #expect(
                    FusionReference.logSoftmax(row.values.map { Double($0) }).elementsEqual(
                        FusionReference.logSoftmax(values.map { Double($0) })
                    ) { abs($0 - $1) < 1e-5 }
                )
                if values == members[0].next(text + new[...index]) { alone += 1 } else { together += 1 }
            }
            text += new
            if text.count > 40 {
                try await decoder.truncate(to: 5)
                text.removeLast(text.count - 5)
            }
            let fork = try await decoder.fork()
            #expect(fork.position == decoder.position)
            let next = TokenID(generator.next() % 4)
            let forked = try await fork.append(next).values
            #expect(
                largestDifference(
                    FusionReference.logSoftmax(forked.map { Double($0) }),
                    FusionReference.logSoftmax(try expected(text + [next]).map { Double($0) })
                ) < 1e-5
            )
        }
        #expect(alone > 20 && together > 20, "\(alone) tokens were left to the base, \(together) were not")
    }

    // MARK: Weights by the text

    @Test("a posterior mixture writes texts as probable as the mixture of the members' texts")
    func posterior() async throws {
        let members = [Self.chance(1, "a"), Self.chance(2, "b")]
        let fused = FusedModel(nil, .posteriorMixture(priors: [0.7, 0.3]), members: members)
        func probability(_ model: ToyModel, _ text: [TokenID]) -> Double {
            text.indices.reduce(1) { product, index in
                let row = FusionReference.logSoftmax(model.next([0] + text[..<index]).map { Double($0) })
                return product * exp(row[Int(text[index])])
            }
        }
        for text in [[1, 2, 3, 0], [0, 0, 0, 0], [3, 1, 2, 2]] as [[TokenID]] {
            let start = try await fused.startDecoding(request(1))
            let rows = [start.logits] + (try await start.decoder.append(Array(text.dropLast()), logits: .all))
            let found = zip(rows, text).reduce(1) { product, pair in
                product * exp(FusionReference.logSoftmax(pair.0.values.map { Double($0) })[Int(pair.1)])
            }
            let expected = 0.7 * probability(members[0], text) + 0.3 * probability(members[1], text)
            #expect(abs(found / expected - 1) < 1e-5)
        }
        // One by one, after a step back whose distribution has been forgotten.
        let decoder = try await fused.startDecoding(request(1)).decoder
        let straight = try await decoder.append([1, 2, 3], logits: .all)
        try await decoder.truncate(to: 2)
        #expect(try await decoder.append(2).values == straight[1].values)
        #expect(try await decoder.append(3).values == straight[2].values)
    }

    @Test("a schedule that makes a weight negative brings the plausibility mask, unless none is wanted")
    func scheduledMask() throws {
        let rows = [Logits(logs(0.5, 0.3, 0.15, 0.05)), Logits(logs(0.9, 0.04, 0.03, 0.03))]
        // Strength 3 turns ½ and ½ into −½ and 1½; plausible for the base is what has a tenth of 0.5 at least.
        let rule = Fusion.productOfExperts.scheduled(.steps([3]))
        let step = try FusionPlan(rule, memberCount: 2).fuse(rows, names: ["a", "b"])
        #expect(step.logits.values.map { $0 > -.infinity } == [true, true, true, true])
        let rare = [Logits(logs(0.6, 0.3, 0.06, 0.04)), rows[1]]
        let masked = try FusionPlan(rule, memberCount: 2).fuse(rare, names: ["a", "b"])
        #expect(masked.logits.values.map { $0 > -.infinity } == [true, true, true, false])
        #expect(masked.survivors == 3)
        var open = rule
        open.mask = .none
        let bare = try FusionPlan(open, memberCount: 2).fuse(rare, names: ["a", "b"])
        #expect(bare.logits.values.allSatisfy { $0 > -.infinity })
    }

    @Test("weights whose sum is not positive are not divided by it")
    func negativeSums() {
        let faulty: [Fusion] = [
            .mixture(weights: [-1, -3]), .mixture(weights: [-1, 3]), .linear(weights: [-1, -3]),
            Fusion("a − 2 b", .logLinear, weights: .normalised([1, -2])),
        ]
        for fusion in faulty {
            #expect(throws: CollabError.self, "\(fusion)") { try FusionPlan(fusion, memberCount: 2) }
        }
    }

    @Test("PackLLM weighs members by how well they have known the prompt")
    func packLLM() async throws {
        let knows = ToyModel("knows") { tokens in
            (0..<5).map { $0 == (Int(tokens.last ?? 0) + 1) % 4 ? 3 : 0 }
        }
        let guesses = ToyModel("guesses", always: [0, 0, 0, 0, 0])
        let fused = FusedModel(nil, .packLLM(temperature: 0.5), members: [knows, guesses])
        let request = Request(.completion("abcd"))
        let start = try await fused.startDecoding(request)
        // The mean loss of “bcd” after “a”, by hand.
        let loss = -log(exp(3.0) / (exp(3.0) + 4))
        let weight = 1 / (1 + exp((loss - log(5.0)) / 0.5))
        let expected = FusionReference.logSoftmax([3 * weight, 0, 0, 0, 0])
        #expect(
            largestDifference(FusionReference.logSoftmax(start.logits.values.map { Double($0) }), expected)
                < 1e-5
        )
        let error = await #expect(throws: CollabError.self) { try await fused.makeDecoder() }
        #expect(error?.message.contains("prompt") == true)
    }

    // MARK: The trace

    @Test("contributions add up: to the token's log-probability and the entropy, or to the whole token")
    func contributions() async throws {
        let sums: [(Fusion, isShare: Bool)] = [
            (.dexperts(strength: 0.5), false), (.classConditional(strength: 2), false),
            (Fusion.classConditional(strength: 2).scheduled(.steps([0.5])), false), (.mixture, true),
            (Fusion.safeDecoding(common: 3).withIdleMember, true), (.union, true),
            (.intersection, true), (Fusion.union.scheduled(.steps([0])), true),
        ]
        for (fusion, isShare) in sums {
            let plan = try FusionPlan(fusion, memberCount: 3)
            let rows = (1...3).map { Logits(Self.chance(UInt64($0), "m").next([0])) }
            let step = try plan.fuse(rows, names: ["a", "b", "c"])
            let fused = FusionReference.logSoftmax(step.logits.values.map { Double($0) })
            for token in 0..<4 as Range<TokenID> where fused[Int(token)] > -.infinity {
                let sum = (0..<3).reduce(0) { $0 + step.contribution(of: $1, to: token, plan) }
                let whole = isShare ? 1 : fused[Int(token)] + step.entropy
                // Below the floor of an extrapolated probability nobody has a share.
                let isFloored = fusion.combination == .extrapolation && fused[Int(token)] < -10
                #expect(abs(sum - (isFloored ? 0 : whole)) < 1e-4, "\(fusion), token \(token)")
            }
        }
        // By hand: the union's token is whose log-probability is the largest.
        let plan = try FusionPlan(.union, memberCount: 2)
        let rows = [Logits(logs(0.7, 0.3)), Logits(logs(0.2, 0.8))]
        let step = try plan.fuse(rows, names: ["a", "b"])
        #expect((0..<2).map { step.contribution(of: $0, to: 0, plan) } == [1, 0])
        #expect((0..<2).map { step.contribution(of: $0, to: 1, plan) } == [0, 1])
        // Those that are equally sure of it share it.
        let equal = try plan.fuse([rows[0], rows[0]], names: ["a", "b"])
        #expect((0..<2).map { equal.contribution(of: $0, to: 0, plan) } == [0.5, 0.5])
    }

    @Test("the trace warns of interventions, starving masks and repetition, and of nothing else")
    func warnings() async throws {
        func notes(_ fused: FusedModel) async throws -> [String] {
            let run = Run()
            _ = try await fused.respond(to: request(24), in: run)
            let call = try #require(run.trace?.calls.first)
            #expect(call.note("entropy")?.hasSuffix("nats a token") == true)
            #expect(call.note("contribution") != nil)
            return call.notes.filter { $0.key == "warning" }.map(\.value)
        }
        let steered = FusedModel(
            nil,
            .dexperts(strength: 4),
            members: [
                ToyModel("base", always: [1, 0.9, 0, 0, -9]), ToyModel("expert", always: [0, 1, 0, 0, -9]),
                ToyModel("anti", always: [1, 0, 0, 0, -9]),
            ]
        )
        let warned = try await notes(steered)
        #expect(warned.count == 2)
        #expect(warned.first?.contains("100 % of the tokens; above 20 %") == true)
        #expect(warned.last?.contains("runs of four tokens") == true)
        let starving = FusedModel(
            nil,
            Fusion.dexperts().masked(by: .plausibility(alpha: 1, of: .member(0))),
            members: [Self.chance(1, "a"), Self.chance(2, "b"), Self.chance(3, "c")]
        )
        #expect(try await notes(starving).contains { $0.contains("single token") })
        let calm = FusedModel(
            nil,
            .productOfExperts(weights: [1, 0.01]),
            members: [
                ToyModel("a", writing: "abcdacbdabdcadbcbacdbcadc"), Self.chance(2, "b"),
            ]
        )
        #expect(try await notes(calm) == [])
    }

    @Test("rules are values that can be kept")
    func codable() throws {
        let gate = LearnedGate(features: [.entropy, .margin], coefficients: [1, -2], intercept: 0.5)
        for fusion in [
            Fusion.safeDecoding(), .classConditional(), .deferral(where: .learned(gate)), .packLLM(),
            Fusion.dexperts().scheduled(.ramp(from: 1, to: 0, over: 30)),
        ] {
            let data = try JSONEncoder().encode(fusion)
            #expect(try JSONDecoder().decode(Fusion.self, from: data) == fusion)
        }
    }
}

extension Fusion {
    /// The rule with a third member that has no weight.
    fileprivate var withIdleMember: Fusion {
        var fusion = self
        if case .asWritten(let weights) = fusion.weights { fusion.weights = .asWritten(weights + [0]) }
        return fusion
    }
}
