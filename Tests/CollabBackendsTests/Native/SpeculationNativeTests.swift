import Collab
import CollabBackends
import Testing

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
}
