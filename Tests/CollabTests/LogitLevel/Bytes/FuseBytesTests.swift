import CollabTesting
import Testing

@testable import Collab

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("Models with different vocabularies write together")
struct FuseBytesTests {
    /// Two vocabularies that spell the same texts differently.
    let words = ToyTokenizer(["yes", "no", "y", "n", "e", "s", "o", " "])
    let letters = ToyTokenizer(["y", "e", "s", "n", "o", " ", "es"])

    @Test("the first byte's distribution is the rule of the members'", arguments: [true, false])
    func byHand(linear: Bool) async throws {
        let left = ScriptedLogitModel("left", vocabulary: ["yes", "no", "n"]) { _ in
            ["yes": 0.6, "no": 0.3, ScriptedLogitModel.end: 0.1]
        }
        let right = ScriptedLogitModel("right", vocabulary: ["y", "e", "s", "n", "o"]) { _ in
            ["y": 0.2, "n": 0.7, ScriptedLogitModel.end: 0.1]
        }
        let fused = FuseBytes(linear ? .mixture : .productOfExperts) {
            left
            right
        }
        let start = try await fused.startDecoding(.completion("n"))
        var expected: [Int: Double] = [
            0x79: (0.6 * 0.2).squareRoot(), 0x6e: (0.3 * 0.7).squareRoot(), 256: 0.1,
        ]
        if linear { expected = [0x79: 0.4, 0x6e: 0.5, 256: 0.1] }
        let sum = expected.values.reduce(0, +)
        let total = start.logits.values.reduce(0) { $0 + exp(Double($1)) }
        for (symbol, value) in expected {
            #expect(abs(exp(Double(start.logits.values[symbol])) / total - value / sum) < 1e-6)
        }
        #expect(start.logits.count == 257)
        #expect(fused.tokenizer.count == 257)
    }

    @Test("an answer is written, streamed, and told about in the trace")
    func answers() async throws {
        let run = Run()
        let pieces = Pieces()
        let fused = FuseBytes(.productOfExperts) {
            ToyModel("left", words, writing: "yes no yes", margin: 8)
            ToyModel("right", letters, writing: "yes no yes", margin: 8)
        }
        try fused.validate()
        let response = try await fused.respond(to: .completion("y"), into: pieces.sink, in: run)
        #expect(response.text == "yes no yes")
        #expect(response.ending == .finished)
        #expect(await pieces.all.joined() == "yes no yes")
        #expect(response.usage.completionTokens == 11, "ten bytes and the end")
        #expect(response.tokens?.map(\.bytes) == Array("yes no yes".utf8).map { [$0] })
        #expect(response.usage.calls == 1)
        let call = try #require(run.trace?.calls.first)
        #expect(call.note("formula") == "0.5 left + 0.5 right")
        #expect(call.note("agreement")?.contains("left 1") == true)
        #expect(call.note("forward passes")?.contains("a byte) · right ") == true)
        #expect(call.note("dropped mass")?.hasPrefix("left ") == true)
        #expect(call.note("segmentations")?.contains("at most") == true)
        #expect(call.note("recoveries") == nil)
    }

    @Test("stop sequences, token limits in bytes, and drawn answers work as for any model")
    func options() async throws {
        let fused = FuseBytes(.mixture) {
            ToyModel("left", words, writing: "yes no yes", margin: 8)
            ToyModel("right", letters, writing: "yes no yes", margin: 8)
        }
        func answer(_ options: GenerationOptions) async throws -> Response {
            try await fused.respond(to: .completion("y", options: options))
        }
        #expect(try await answer(GenerationOptions(stopSequences: ["o y"])).text == "yes n")
        let limited = try await answer(GenerationOptions(maximumTokens: 5))
        #expect(limited.text == "yes n")
        #expect(limited.ending == .tokenLimit)
        let drawn = GenerationOptions(maximumTokens: 20, sampling: .temperature(1), seed: 5)
        let text = try await answer(drawn).text
        #expect(try await answer(drawn).text == text)
        let penalty = GenerationOptions(sampling: Sampling(repetitionPenalty: 1.2))
        let error = await #expect(throws: CollabError.self) { try await answer(penalty) }
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains("letters") == true)
    }

    @Test("half characters are never shown")
    func characters() async throws {
        let whole = ToyTokenizer(["é", "日", "x"])
        let parts = ToyTokenizer(bytes: [[0xC3], [0xA9], [0xE6, 0x97], [0xA5], [0x78]])
        let halves = ToyModel("halves", parts) { tokens in
            let script: [TokenID] = [2, 3, 0, 1, 4, 5]
            let step = min(tokens.count - 1, 5)
            return (0..<6).map { TokenID($0) == script[step] ? 8 : 0 }
        }
        let pieces = Pieces()
        let response = try await FuseBytes(.productOfExperts) {
            ToyModel("whole", whole, writing: "日éx", margin: 8)
            halves
        }.respond(to: .completion("x"), into: pieces.sink)
        #expect(response.text == "日éx")
        #expect(await pieces.all == ["日", "é", "x"])
    }

    @Test("what one member cannot have written is spelled anew, in as few tokens as possible")
    func recovery() async throws {
        // After “n” the left member is inside “no”; the right one, which counts for more, writes “ne”.
        let left = ToyModel("left", words, writing: "no", margin: 30)
        let right = ToyModel("right", letters, writing: "ne", margin: 30)
        let mixed = FuseBytes(.mixture(weights: [0.4, 0.6])) {
            left
            right
        }
        let start = try await mixed.startDecoding(.completion("y"))
        _ = try await start.decoder.append([0x6e, 0x65], logits: .last)
        #expect(start.decoder.position == 3)
        let run = Run()
        let response = try await mixed.respond(
            to: .completion("y", options: GenerationOptions(maximumTokens: 3)),
            in: run
        )
        #expect(response.text.hasPrefix("ne"))
        #expect(run.trace?.calls.first?.note("recoveries") == "left 1 · right 0")
    }

    @Test("what a member has no tokens for is an error that names it")
    func unspellable() async throws {
        let poor = ToyModel("poor", ToyTokenizer(["a"]), writing: "aa", margin: 8)
        let rich = ToyModel("rich", ToyTokenizer(["a", "z"]), writing: "zz", margin: 30)
        let mixed = FuseBytes(.mixture(weights: [0.1, 0.9])) {
            poor
            rich
        }
        let error = await #expect(throws: CollabError.self) { try await mixed.respond(to: .completion("a")) }
        #expect(error?.code == .vocabularyMismatch)
        #expect(error?.message.contains("“poor”") == true)
        // In a product it has a veto instead.
        let response = try await FuseBytes(.productOfExperts) {
            poor
            rich
        }.respond(to: .completion("a", options: GenerationOptions(maximumTokens: 4)))
        #expect(!response.text.contains("z"))
    }

    @Test("rules and prunings that make no sense are refused before anything is read")
    func refusals() async throws {
        let model = ToyModel("one", words, writing: "yes")
        func code(_ fused: FuseBytes<Team<LogitAccess>>) async -> CollabError.Code? {
            let early = #expect(throws: CollabError.self) { try fused.validate() }
            let late = await #expect(throws: CollabError.self) {
                try await fused.respond(to: .completion("y"))
            }
            return early?.code == late?.code ? early?.code : nil
        }
        let empty = FuseBytes(.mixture) { [ToyModel]() }
        #expect(await code(empty) == .emptyTeam)
        let weights = FuseBytes(.logLinear(weights: [1, 2])) { model }
        #expect(await code(weights) == .invalidRequest)
        let prunings = [
            BytePruning(threshold: 1), BytePruning(threshold: .nan), BytePruning(maximumHypotheses: 0),
        ]
        for pruning in prunings {
            let fused = FuseBytes(.mixture, pruning: pruning) { model }
            #expect(await code(fused) == .invalidRequest)
        }
    }

    @Test("a member that fails is named, a cancelled answer ends, a full context ends the answer")
    func ends() async throws {
        var broken = ToyModel("broken", words, writing: "yes")
        broken.onAppend = { (tokens) async throws(CollabError) in
            throw CollabError(.invalidRequest, "out of order")
        }
        let partly = FuseBytes(.mixture) {
            ToyModel("sound", letters, writing: "yes")
            broken
        }
        let error = await #expect(throws: CollabError.self) { try await partly.respond(to: .completion("y")) }
        #expect(error?.path.contains("broken") == true)
        var small = ToyModel("small", letters, writing: String(repeating: "y", count: 30), margin: 8)
        small.contextLength = 6
        let short = try await FuseBytes(.mixture) { small }.respond(to: .completion("y"))
        #expect(short.ending == .tokenLimit)
        #expect(short.text == "yyyyyy")
        let endless = ToyModel("endless", ToyTokenizer(["y"]), always: [0, -30])
        let task = Task {
            await Task.yield()
            return try await FuseBytes(.mixture) { endless }.respond(to: .completion("y"))
        }
        task.cancel()
        let cancelled = await #expect(throws: CollabError.self) { try await task.value }
        #expect(cancelled?.code == .cancelled)
    }

    @Test("as a stage it settles the answer with the team, or with members of its own behind any team")
    func stages() async throws {
        let left = ToyModel("left", words, writing: "no", margin: 8)
        let right = ToyModel("right", letters, writing: "no", margin: 8)
        let team = Pipeline {
            Team {
                left
                right
            }
            FuseBytes(.productOfExperts)
        }
        let response = try await team.respond(to: "y")
        #expect(response.text == "no")
        #expect(response.trace?["FuseBytes (product of experts)"] != nil)
        #expect(team.forecast().calls == 1...1)
        let own = Pipeline {
            Team("texts") { ScriptedModel("text", answers: ["maybe"]) }
            FuseBytes(.productOfExperts) {
                left
                right
            }
        }
        #expect(try await own.respond(to: "y").text == "no")
    }

    @Test("byte models are members of formulas and fusions like any others; a copy is run once")
    func nests() async throws {
        let reads = Protected(0)
        var model = ToyModel("counted", words, writing: "yes", margin: 8)
        model.onAppend = { (_) async throws(CollabError) in reads.withLock { $0 += 1 } }
        let left = ByteModel(model)
        let right = ByteModel(ToyModel("right", letters, writing: "yes", margin: 8))
        let request = Request.completion("y")
        #expect(try await (left + 0.5 * right + left).respond(to: request).text == "yes")
        let twice = reads.withLock { $0 }
        #expect(try await left.respond(to: request).text == "yes")
        #expect(reads.withLock { $0 } <= 2 * twice)
        let own = FuseBytes(.mixture) { model }
        let nested = FuseLogits(.mixture) {
            own
            right
        }
        #expect(try await nested.respond(to: request).text == "yes")
    }

    @Test("a decoder that has read nothing takes its first bytes as a text to be continued")
    func empty() async throws {
        let model = ToyModel.scrambled(.overlapping)
        let decoder = try await ByteModel(model, pruning: .none).makeDecoder()
        let text = "abab".utf8.map { TokenID($0) }
        let last = try await decoder.append(text, logits: .last)
        let law = Segmentations(model: model, prompt: try model.promptTokens(for: .completion("abab")))
        let expected = law.distribution(after: [])
        // No text of whole characters goes on with the second byte of “é”.
        let possible = 1 - expected[0xA9]
        for symbol in 0...256 where expected[symbol] > 0 {
            let wanted = symbol == 0xA9 ? 0 : expected[symbol] / possible
            #expect(abs(exp(Double(last[0].values[symbol])) - wanted) < 1e-6)
        }
        try await decoder.truncate(to: 2)
        #expect(decoder.position == 2)
        let other = try await ByteModel(model, pruning: .none).makeDecoder()
        #expect(try await other.append(text, logits: .all).count == 4)
        #expect(other.position == 4)
    }
}
