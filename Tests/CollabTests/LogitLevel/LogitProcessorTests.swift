import Collab
import CollabTesting
import Testing

@Suite("Logit processors")
struct LogitProcessorTests {
    /// Says A, then B, then C, each a little more likely than the next one; then ends.
    private static let model = ScriptedLogitModel("scripted", vocabulary: ["A", "B", "C"]) { prefix in
        prefix.count < 4 ? ["A": 0.5, "B": 0.3, "C": 0.2] : [ScriptedLogitModel.end: 1]
    }

    private static func token(_ text: String) throws -> TokenID {
        try #require(try model.tokenizer.encode(text, parsingSpecialTokens: false).first)
    }

    /// Forbids what has been written since the answer began: its state differs at every place.
    private struct NoTokenTwice: LogitProcessor {
        var name: String { "no token twice" }
        func start(after prompt: [TokenID]) -> [TokenID] { [] }

        func advance(_ written: inout [TokenID], by token: TokenID) throws(CollabError) {
            if written.contains(token) { throw CollabError(.invalidRequest, "Token \(token) comes twice.") }
            written.append(token)
        }

        func process(_ logits: inout Logits, in written: [TokenID]) {
            for token in written { logits[token] = -.infinity }
        }
    }

    @Test("an answer is written from the changed logits")
    func generates() async throws {
        #expect(try await Self.model.respond(to: "C").text == "AAA")
        let processed = Self.model.processed(by: NoTokenTwice())
        #expect(processed.name == "scripted with no token twice")
        let response = try await processed.respond(to: "C")
        #expect(response.text == "ABC")
        // The last distribution has one token left.
        #expect(response.tokens?.map { ($0.logprob * 1000).rounded() } == [-693, -511, 0])
    }

    @Test("a bias is added, and one of −∞ forbids")
    func bias() async throws {
        let (a, b) = (try Self.token("A"), try Self.token("B"))
        let forbidden = Self.model.processed(by: TokenBias([a: -.infinity]))
        #expect(try await forbidden.respond(to: "C").text == "BBB")
        let lifted = forbidden.processed(by: TokenBias([b: -1]))
        #expect(try await lifted.respond(to: "C").text == "CCC")
        for bias in [TokenBias([99: 1]), TokenBias([a: .nan]), TokenBias([a: .infinity])] {
            let error = await #expect(throws: CollabError.self) {
                try await Self.model.processed(by: bias).respond(to: "C")
            }
            #expect(error?.code == .invalidRequest)
        }
    }

    @Test("forks and truncation take the state along")
    func states() async throws {
        let (a, b, c) = (try Self.token("A"), try Self.token("B"), try Self.token("C"))
        let processed = Self.model.processed(by: NoTokenTwice())
        let start = try await processed.startDecoding(Request(.completion("C")))
        let decoder = start.decoder
        let prompt = decoder.position
        #expect(start.logits[c] > -.infinity)
        let both = try await decoder.append([a, b], logits: .all)
        #expect(both.map { $0[a] } == [-.infinity, -.infinity])
        #expect(both[0][b] > -.infinity && both[1][b] == -.infinity)

        let fork = try await decoder.fork()
        try await fork.truncate(to: prompt + 1)
        let other = try await fork.append(c)
        #expect(other[a] == -.infinity && other[b] > -.infinity && other[c] == -.infinity)
        // The origin knows nothing of it.
        #expect(try await decoder.append(c)[b] == -.infinity)
        #expect(decoder.position == prompt + 3)

        try await decoder.truncate(to: prompt)
        #expect(try await decoder.append(b)[a] > -.infinity)
        // What a processor refuses leaves the decoder as it was.
        let error = await #expect(throws: CollabError.self) { try await decoder.append(b) }
        #expect(error?.message.contains("twice") == true)
        #expect(decoder.position == prompt + 1)
        #expect(try await decoder.append(a)[c] > -.infinity)
        let behind = await #expect(throws: CollabError.self) { try await decoder.truncate(to: prompt - 1) }
        #expect(behind?.code == .invalidRequest)
    }

    @Test("a row that cannot be changed leaves the decoder as it was")
    func failure() async throws {
        let processed = Self.model.processed(by: TokenBias([99: 1]))
        let decoder = try await processed.makeDecoder()
        _ = try await decoder.append([try Self.token("A")], logits: .none)
        await #expect(throws: CollabError.self) { try await decoder.append(try Self.token("B")) }
        #expect(decoder.position == 1)
    }

    @Test("a processed model is a member like any other")
    func fused() async throws {
        let a = try Self.token("A")
        let fused = FuseLogits(.mixture) {
            Self.model
            Self.model.processed(by: TokenBias([a: -.infinity]))
        }
        // A: 0.25; B: (0.3 + 0.6) / 2; C: (0.2 + 0.4) / 2.
        #expect(try await fused.respond(to: "C").text == "BBB")
    }
}
