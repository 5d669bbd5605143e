import CollabTesting
import Testing

@testable import Collab

/// Tokens that are given as a prompt reach the model beneath as a prompt, through whatever stands in front of it.
@Suite("Prompts given as tokens")
struct PromptTokenTests {
    /// A model that notes the prompts it reads as such, which a decoder's append would pass by.
    private struct Noting: LogitModel, Identifiable {
        let base: ToyModel
        let prompts = Protected<[[TokenID]]>([])
        var id: ObjectIdentifier { ObjectIdentifier(prompts) }
        var name: String { base.name }
        var tokenizer: any Tokenizer { base.tokenizer }
        var contextLength: Int { base.contextLength }
        func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
            try base.promptTokens(for: request)
        }
        func makeDecoder() async throws(CollabError) -> any Decoder { try await base.makeDecoder() }
        func startDecoding(reading tokens: [TokenID]) async throws(CollabError) -> DecodingStart {
            prompts.withLock { $0.append(tokens) }
            var start = try await base.startDecoding(reading: tokens)
            start.cachedTokens = tokens.count - 1
            return start
        }
    }

    private static let next: @Sendable ([TokenID]) -> [Float] = { tokens in
        (0..<5).map { Float($0) * 0.25 - (Int(tokens.last ?? 0) == $0 ? 2 : 0) }
    }

    private static func noting(_ name: String = "toy") -> Noting { Noting(base: ToyModel(name, next: next)) }

    @Test("wrappers hand them on, and the number that was known comes back")
    func wrappers() async throws {
        let models: [(Noting) -> any LogitModel] = [
            { $0 as any LogitModel },
            { $0.named("other").system("a") },
            { ($0 as any LogitModel).named("other") },
            { $0.role("critic", instructions: "a") },
            { $0.processed(by: TokenBias([0: 0])) },
            { FusedModel(nil, .mixture, members: [$0, $0]) },
            { 1 * $0 },
            { model in FuseLogits(.mixture) { model } },
            { model in Replicas("twins") { model as any LogitModel } },
        ]
        for make in models {
            let base = Self.noting()
            let model = make(base)
            let start = try await model.startDecoding(reading: [1, 2, 3])
            #expect(base.prompts.withLock { $0 } == [[1, 2, 3]], "\(type(of: model))")
            #expect(start.promptTokens == 3 && start.cachedTokens == 2, "\(type(of: model))")
            #expect(start.decoder.position == 3)
            let row = try await start.decoder.append(2)
            let expected = try await base.startDecoding(reading: [1, 2, 3, 2]).logits
            // A fusion hands out log-probabilities.
            #expect(row.values.firstIndex(of: row.values.max()!) == 4)
            #expect(row.count == expected.count)
        }
    }

    @Test("bytes are read as a text to be continued")
    func bytes() async throws {
        let base = Self.noting()
        let bytes: [TokenID] = [0x61, 0x62]
        let start = try await ByteModel(base).startDecoding(reading: bytes)
        #expect(base.prompts.withLock { $0 } == [[0, 1]])
        #expect(start.decoder.position == 2)
        let fused = FuseBytes(.mixture) { base }
        _ = try await fused.startDecoding(reading: bytes)
        #expect(base.prompts.withLock { $0.count } == 2)
    }

    @Test("a processor's answer begins behind them")
    func processor() async throws {
        struct CountingBias: LogitProcessor {
            let starts = Protected<[[TokenID]]>([])
            var name: String { "count" }
            func start(after prompt: [TokenID]) -> Int {
                starts.withLock { $0.append(prompt) }
                return 0
            }
            func advance(_ written: inout Int, by token: TokenID) { written += 1 }
            func process(_ logits: inout Logits, in written: Int) { logits[0] = 100 + Float(written) }
        }
        let counting = CountingBias()
        let model: any LogitModel = Self.noting().processed(by: counting)
        let start = try await model.startDecoding(reading: [1, 2, 3])
        #expect(counting.starts.withLock { $0 } == [[1, 2, 3]])
        // Nothing of the answer has been written yet.
        #expect(start.logits[0] == 100)
        #expect(try await start.decoder.append(2)[0] == 101)
        await #expect(throws: CollabError.self) { try await start.decoder.truncate(to: 2) }
    }

    @Test("no tokens are refused by every model")
    func nothing() async throws {
        for model in [Self.noting(), Self.noting().role("r", instructions: nil)] as [any LogitModel] {
            let error = await #expect(throws: CollabError.self) { try await model.startDecoding(reading: []) }
            #expect(error?.code == .invalidRequest)
        }
    }
}
