import Collab
import CollabBackends
import Foundation
import Testing

/// The perplexity of a chapter of *Alice's Adventures in Wonderland* is within one percent of the exact one.
@Suite struct PerplexityTests {
    @Test(arguments: RealModel.allCases)
    func wholeText(model: RealModel) async throws {
        let native = try await NativeFixtures.model(model)
        let golden = try NativeGoldens.perplexity(model)
        let tokens = try aliceTokens(native)
        #expect(tokens.count == golden.nIds)
        #expect(Array(tokens.prefix(golden.idsHead.count)) == golden.idsHead)
        let logprobs = try await native.logprobs(of: tokens)
        let window = try #require(golden.windows["full"])
        #expect(logprobs.count == window.scored)
        #expect(abs(perplexity(logprobs) / window.fp32ReferencePpl - 1) < 0.01)
    }

    /// Windows are scored side by side, as one batch.
    @Test(arguments: RealModel.allCases)
    func windowsOf512(model: RealModel) async throws {
        let native = try await NativeFixtures.model(model)
        let golden = try NativeGoldens.perplexity(model)
        let tokens = try aliceTokens(native)
        let pieces = stride(from: 0, to: tokens.count, by: 512).map { start in
            let piece = Array(tokens[start..<min(start + 512, tokens.count)])
            // Gemma was trained with a beginning token in front of every text.
            return model == .gemma3 && start > 0 ? [tokens[0]] + piece : piece
        }
        let scores = try await concurrently(pieces) { (piece) async throws(CollabError) in
            try await native.logprobs(of: piece)
        }
        let window = try #require(golden.windows["512"])
        let scored = scores.flatMap { $0 }
        #expect(scored.count == window.scored)
        #expect(abs(perplexity(scored) / window.fp32ReferencePpl - 1) < 0.01)
    }

    private func aliceTokens(_ native: NativeModel) throws -> [TokenID] {
        let text = try String(contentsOf: fixture("goldens/engine/ppl-alice.txt"), encoding: .utf8)
        return try native.promptTokens(for: .completion(text))
    }

    private func perplexity(_ logprobs: [Double]) -> Double {
        exp(-logprobs.reduce(0, +) / Double(logprobs.count))
    }
}
