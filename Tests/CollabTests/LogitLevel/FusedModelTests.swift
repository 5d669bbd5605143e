import CollabTesting
import Testing

@testable import Collab

@Suite("Models that write together")
struct FusedModelTests {
    let question: Request = "a"

    @Test("the answer comes from the combined distribution, not from any member's")
    func combines() async throws {
        // Each member has a favourite of its own; b is the second choice of both.
        let left = ToyModel("left", always: logs(0.5, 0.4, 0.05, 0.03, 0.02))
        let right = ToyModel("right", always: logs(0.05, 0.4, 0.5, 0.03, 0.02))
        var request = question
        request.options.maximumTokens = 3
        let response = try await FuseLogits(.productOfExperts) {
            left
            right
        }.respond(to: request)
        #expect(response.text == "bbb")
        // √(0.4·0.4) over the sum of all such roots.
        let probability = 0.4 / (2 * (0.5 * 0.05).squareRoot() + 0.4 + 0.03 + 0.02)
        #expect(abs(exp(response.tokens?.first?.logprob ?? 0) - probability) < 1e-5)
        #expect(response.usage.promptTokens == 2, "both members read the prompt")
        #expect(response.usage.completionTokens == 3)
    }

    @Test(
        "members may pad their rows differently",
        arguments: [Fusion.Mask.none, .plausibility(alpha: 0.1, of: .any)]
    )
    func padding(mask: Fusion.Mask) async throws {
        let padded = ToyModel("padded", always: [0, 3, 0, 0, -9, 50, 50])
        let bare = ToyModel("bare", always: [0, 2, 0, 0, -9])
        var request = question
        request.options.maximumTokens = 2
        for weights in [[1.0, 1], [0, 1], [1, 0]] {
            let fusion = Fusion("f", .logLinear, weights: .asWritten(weights), mask: mask)
            let model = FusedModel(nil, fusion, members: [padded, bare])
            #expect(try await model.respond(to: request).text == "bb")
        }
    }

    @Test("every member reads what was written")
    func moves() async throws {
        let fused = FuseLogits(.productOfExperts) {
            ToyModel("one", writing: "abcd")
            ToyModel("two", writing: "abdd")
        }
        let pieces = Pieces()
        let response = try await fused.respond(to: question, into: pieces.sink)
        // At the third token they disagree evenly; the tie goes to the lower id.
        #expect(response.text == "abcd")
        #expect(await pieces.all.joined() == "abcd")
        #expect(response.ending == .finished)
    }

    @Test("the trace tells the formula, the interventions and each member's share")
    func trace() async throws {
        let run = Run()
        var request = question
        request.options.maximumTokens = 4
        _ = try await FuseLogits(.logLinear(weights: [1, 0.5])) {
            ToyModel("base", writing: "aaaa")
            ToyModel("expert", writing: "aabb", margin: 20)
        }.respond(to: request, in: run)
        let call = try #require(run.trace?.calls.first)
        #expect(call.note("formula") == "base + 0.5 expert")
        #expect(call.note("tokens") == "4")
        #expect(
            call.note("interventions")?.hasPrefix("0.5 (2 of 4 steps changed the favourite of base)") == true
        )
        #expect(call.note("agreement")?.hasPrefix("base 0.5 (KL ") == true)
        #expect(call.note("agreement")?.contains("expert 1 (KL ") == true)
        #expect(call.note("mask") == nil)
    }

    @Test("members with different vocabularies are refused, with the first ids that differ")
    func vocabularies() async throws {
        let other = ToyModel("other", ToyTokenizer(["a", "b", "x", "d"]), always: [0, 0, 0, 0, 0])
        let fused = FuseLogits(.mixture) {
            ToyModel("toy", always: [0, 0, 0, 0, 0])
            other
        }
        let early = #expect(throws: CollabError.self) { try fused.validate() }
        #expect(early?.code == .vocabularyMismatch)
        #expect(early?.message.contains("id 2 is “c” and “x”") == true)
        #expect(early?.message.contains("Debate") == true)
        let late = await #expect(throws: CollabError.self) { try await fused.respond(to: question) }
        #expect(late?.code == .vocabularyMismatch)
        let longer = ToyModel("longer", ToyTokenizer(["a", "b", "c", "d", "e"]), always: [0, 0, 0, 0, 0, 0])
        let sizes = #expect(throws: CollabError.self) {
            try FusedModel(nil, .mixture, members: [ToyModel(always: [0]), longer]).validate()
        }
        #expect(sizes?.message.contains("5 and 6 tokens") == true)
    }

    @Test("an empty fusion is refused")
    func empty() async {
        let fused = FusedModel(nil, .mixture, members: [])
        let error = await #expect(throws: CollabError.self) { try await fused.respond(to: question) }
        #expect(error?.code == .emptyTeam)
        #expect(fused.tokenizer.count == 0 && fused.contextLength == 0)
    }

    @Test("the answer ends at any member's end token")
    func ends() async throws {
        var other = ToyTokenizer.letters
        other.endTokens = [3]
        let fused = FusedModel(
            nil,
            .mixture,
            members: [ToyModel("one", writing: "abda"), ToyModel("two", other, writing: "abda")]
        )
        #expect(try await fused.respond(to: question).text == "ab")
    }

    @Test("a model that occurs twice is run once")
    func shared() async throws {
        let counted = CountingModel(ToyModel(writing: "ab"))
        let response = try await FuseLogits(.mixture) {
            counted
            counted
        }.respond(to: question)
        #expect(response.text == "ab")
        #expect(counted.starts == 1)
        #expect(response.usage.promptTokens == 1)
    }

    @Test("the fullest member limits the length")
    func room() async throws {
        var small = ToyModel("small", always: [1, 0, 0, 0, -9])
        small.contextLength = 10
        // The small member's prompt has six tokens, so four more fit, and the last one is never read.
        let response = try await FuseLogits(.mixture) {
            ToyModel("large", always: [1, 0, 0, 0, -9])
            small.role("long") { _, _ in "abcdab" }
        }.respond(to: question)
        #expect(response.text.count == 5)
        #expect(response.ending == .tokenLimit)
    }

    @Test("a fused decoder forks, truncates, and returns all rows")
    func decoder() async throws {
        let fused = FusedModel(
            nil,
            .productOfExperts,
            members: [
                ToyModel("one", writing: "abcd"), ToyModel("two", writing: "abcd").role("r") { _, _ in "bb" },
            ]
        )
        let start = try await fused.startDecoding(question)
        let fork = try await start.decoder.fork()
        let rows = try await start.decoder.append([0, 1], logits: .all)
        #expect(rows.count == 2)
        #expect(start.decoder.position == 3 && fork.position == 1)
        try await start.decoder.truncate(to: 2)
        let again = try await start.decoder.append([1], logits: .last)
        #expect(again[0].values == rows[1].values)
        #expect(try await fork.append([0], logits: .last)[0].values == rows[0].values)
        let error = await #expect(throws: CollabError.self) { try await start.decoder.truncate(to: 9) }
        #expect(error?.code == .invalidRequest)
    }

    @Test("when a member fails, no other is left ahead, and the error names it")
    func failure() async throws {
        var failing = ToyModel("failing", always: [0, 0, 0, 0, 0])
        failing.onAppend = { (tokens) async throws(CollabError) in
            if tokens == [3] { throw CollabError(.memoryLimit, "no memory") }
        }
        let fused = FusedModel(nil, .mixture, members: [ToyModel("fine", always: [0, 0, 0, 0, 0]), failing])
        let start = try await fused.startDecoding(question)
        let error = await #expect(throws: CollabError.self) { try await start.decoder.append(3) }
        #expect(error?.code == .memoryLimit)
        #expect(error?.path == ["failing"])
        #expect(start.decoder.position == 1)
        _ = try await start.decoder.append(2)
        #expect(start.decoder.position == 2)
    }

    @Test("fusions nest")
    func nesting() async throws {
        let inner = FuseLogits(.mixture) {
            ToyModel("a", always: logs(0.9, 0.05, 0.02, 0.02, 0.01))
            ToyModel("b", always: logs(0.1, 0.85, 0.02, 0.02, 0.01))
        }
        var request = question
        request.options.maximumTokens = 1
        let response = try await FuseLogits(.productOfExperts(weights: [1, 1])) {
            inner
            ToyModel("c", always: logs(0.2, 0.7, 0.05, 0.04, 0.01))
        }.respond(to: request)
        let (a, b) = (0.5 * 0.2, 0.45 * 0.7)
        let rest = 0.02 * 0.05 + 0.02 * 0.04 + 0.01 * 0.01
        #expect(response.text == "b")
        #expect(abs(exp(response.tokens?.first?.logprob ?? 0) - b / (a + b + rest)) < 1e-5)
    }

    @Test("fused sampling is reproducible")
    func seeds() async throws {
        let fused = FuseLogits(.mixture) {
            ToyModel("one", always: [1, 1, 0, 0, -9])
            ToyModel("two", always: [0, 0, 1, 1, -9])
        }
        var request = question
        request.options.sampling = .temperature(1)
        request.options.maximumTokens = 20
        let texts = [
            try await fused.respond(to: request, in: Run(seed: 5)).text,
            try await fused.respond(to: request, in: Run(seed: 5)).text,
        ]
        #expect(texts[0] == texts[1])
        #expect(Set(texts[0]).count > 2)
    }
}

/// Counts how often it is started.
final class CountingModel: LogitModel {
    private let base: ToyModel
    private let count = Protected(0)
    init(_ base: ToyModel) { self.base = base }
    var starts: Int { count.withLock { $0 } }
    var name: String { base.name }
    var tokenizer: any Tokenizer { base.tokenizer }
    var contextLength: Int { base.contextLength }
    func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try base.promptTokens(for: request)
    }
    func makeDecoder() async throws(CollabError) -> any Decoder {
        count.withLock { $0 += 1 }
        return try await base.makeDecoder()
    }
}

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
