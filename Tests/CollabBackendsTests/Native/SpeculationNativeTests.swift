import Collab
import Testing

@testable import CollabBackends

/// The engine computes a row alike alone and in a pass over several, so guesses change nothing: bit for bit.
@Suite("Speculation on a native model")
struct SpeculationNativeTests {
    private func expectEqual(_ target: some LogitModel, _ proposer: some TokenProposer) async throws {
        let fast = target.speculating(with: proposer, length: .fixed(3))
        let prompt = try TinyModels.sequences().short
        let (plain, guessed) = (
            try await target.startDecoding(reading: prompt), try await fast.startDecoding(reading: prompt)
        )
        #expect(plain.logits.values == guessed.logits.values)
        var logits = plain.logits
        for _ in 0..<24 {
            let token = TokenID(logits.values.indices.max { logits.values[$0] < logits.values[$1] } ?? 0)
            logits = try await plain.decoder.append(token)
            #expect(try await guessed.decoder.append(token).values == logits.values)
        }
    }

    @Test(
        "rows are those of plain decoding, for single models, fusions and cascades of tokens",
        arguments: ["llama", "gemma3", "qwen3"]
    )
    func lossless(folder: String) async throws {
        let model = try await TinyModels.model(try TinyModels.checkpoint(folder))
        let other = try await TinyModels.model(
            try TinyModels.checkpoint(folder),
            options: NativeOptions(threads: 1, precision: .float)
        )
        for proposer in [ModelProposer(other), PromptLookup()] as [any TokenProposer] {
            try await expectEqual(model, proposer)
            try await expectEqual(FusedModel(nil, .contrastive(), members: [model, other]), proposer)
            for rule in [TokenDeferral.optimal(0.3), .unlikelyTokens(0.5)] {
                try await expectEqual(TokenCascade(other, model, deferring: rule), proposer)
            }
        }
    }

    /// What is compared is the text of a real vocabulary, with its log-probabilities.
    @Test(
        "members that take turns write what plain fusion writes, greedy and drawn",
        arguments: [
            Fusion.productOfExperts, .productOfExperts(weights: [1, 1]), .mixture, .contextAware(),
            .guidance(),
            .contrastive(), .union,
        ]
    )
    func alternating(fusion: Fusion) async throws {
        let small = try await NativeFixtures.model(.smolLM2)
        // Weights of its own, so that nothing is one batch.
        let other = try await NativeFixtures.model(.smolLM2, exact: true)
        let members: [any LogitModel] = [
            small.role("poet", instructions: "You are a poet."),
            other.role("sailor", instructions: "You are a sailor. Write short sentences."),
        ]
        let plain = FusedModel(nil, fusion, members: members)
        for sampling in [Sampling.greedy, .temperature(0.9)] {
            var request: Request = "Write about a ship in a storm."
            request.options = GenerationOptions(maximumTokens: 20, sampling: sampling, seed: 5)
            let expected = try await plain.respond(to: request)
            for length in [SpeculationLength.fixed(2), .automatic(upTo: 4)] {
                let run = Run()
                let found = try await plain.alternating(length).respond(to: request, in: run)
                #expect(found.tokens == expected.tokens, "\(fusion) \(length) \(sampling)")
                #expect(run.trace?.calls.first?.note("guesses") != nil)
            }
        }
    }

    @Test("roles of one model read what they begin alike with once")
    func roles() async throws {
        let model = try await NativeModel(
            contentsOf: RealModel.smolLM2.path,
            options: NativeOptions(threads: 1)
        )
        let question =
            "What is the capital of France? Answer in one short sentence, and name the river as well."
        let roles = ["", " Answer like a pirate."].map { ending in
            model.role("role\(ending)") { request, _ in
                Request(
                    [.system(String(repeating: "You are a kind and careful helper. ", count: 8) + ending)]
                        + request.messages
                )
            }
        }
        let fused = FusedModel(nil, .productOfExperts, members: roles)
        let start = try await fused.startDecoding(Request(question))
        let lengths = try roles.map { try $0.promptTokens(for: Request(question)).count }
        #expect(start.promptTokens == lengths.reduce(0, +))
        let before = model.engine.rowsComputed.withLock { $0 }
        // 64 tokens and more stand before the roles part.
        #expect(before <= lengths.reduce(0, +) - 64)
        _ = try await start.decoder.append(300)
        #expect(model.engine.rowsComputed.withLock { $0 } == before + 2)
    }
}
