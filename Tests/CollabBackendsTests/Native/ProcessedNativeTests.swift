import Collab
import CollabBackends
import CollabKernels
import Foundation
import Testing

/// Processors on a native model change its own logits and nothing else: compared bit for bit with changing them by
/// hand.
@Suite("Logit processors on a native model")
struct ProcessedNativeTests {
    private let request = Request(
        "Name three colours.",
        options: GenerationOptions(maximumTokens: 12, sampling: .greedy)
    )

    /// Greedy decoding by hand: rows are changed, and the best token is read next, until an end token or 12.
    private func decode(
        _ model: NativeModel,
        change: ([TokenID], inout Logits) -> Void
    ) async throws -> (tokens: [TokenID], rows: [[Float]]) {
        var (tokens, rows): ([TokenID], [[Float]]) = ([], [])
        let start = try await model.startDecoding(request)
        var logits = start.logits
        while tokens.count < 12 {
            change(tokens, &logits)
            rows.append(logits.values)
            if model.tokenizer.endTokens.contains(logits.best) { break }
            tokens.append(logits.best)
            logits = try await start.decoder.append(logits.best)
        }
        return (tokens, rows)
    }

    /// The processed model's rows along some tokens.
    private func rows(_ model: some LogitModel, _ tokens: [TokenID]) async throws -> [[Float]] {
        let start = try await model.startDecoding(request)
        let rest = tokens.isEmpty ? [] : try await start.decoder.append(tokens, logits: .all)
        return [start.logits.values] + rest.map(\.values)
    }

    private func written(_ model: some LogitModel) async throws -> Response {
        try await model.respond(to: request)
    }

    @Test("a mask and a bias")
    func bias() async throws {
        let model = try await NativeFixtures.model(.smolLM2)
        let plain = try await decode(model) { _, _ in }
        #expect(try await written(model).tokens?.map(\.id) == plain.tokens)
        let forbidden = Set(plain.tokens.prefix(6))
        let liked = plain.tokens[plain.tokens.count - 1] + 1
        var biases: [TokenID: Float] = [liked: 1.5]
        for token in forbidden { biases[token] = -.infinity }
        let expected = try await decode(model) { _, logits in
            for (token, bias) in biases { logits[token] += bias }
        }
        #expect(expected.tokens != plain.tokens && forbidden.isDisjoint(with: expected.tokens))
        let processed = model.processed(by: TokenBias(biases))
        #expect(try await written(processed).tokens?.map(\.id) == expected.tokens)
        let read =
            expected.rows.count == expected.tokens.count ? expected.tokens.dropLast() : expected.tokens[...]
        #expect(try await rows(processed, Array(read)) == expected.rows)
        // The model beneath is as it was.
        #expect(try await written(model).tokens?.map(\.id) == plain.tokens)
    }

    /// Ends an answer after some tokens, whatever the model would say.
    private struct Stop: LogitProcessor {
        var after: Int
        var end: TokenID
        var name: String { "stop after \(after)" }
        func start(after prompt: [TokenID]) -> Int { 0 }
        func advance(_ written: inout Int, by token: TokenID) { written += 1 }
        func process(_ logits: inout Logits, in written: Int) {
            guard written == after else { return }
            for token in 0..<logits.count where TokenID(token) != end { logits[TokenID(token)] = -.infinity }
        }
    }

    @Test("an answer that a processor ends, from a prompt's tokens too")
    func stop() async throws {
        // A model of its own: no other test's texts are in its prompt cache.
        _ = try await NativeFixtures.model(.smolLM2)
        let model = try await NativeModel(
            contentsOf: RealModel.smolLM2.path,
            options: NativeOptions(threads: 2)
        )
        let end = try #require(model.tokenizer.endTokens.min())
        let processed = model.processed(by: Stop(after: 4, end: end))
        let plain = try await decode(model) { _, _ in }
        let response = try await written(processed)
        #expect(response.tokens?.map(\.id) == Array(plain.tokens.prefix(4)))
        #expect(response.ending == .finished)
        let erased: any LogitModel = processed
        let start = try await erased.startDecoding(reading: try model.promptTokens(for: request))
        // The prompt has been read above, and does not count as the answer.
        #expect(start.cachedTokens == start.promptTokens - 1)
        #expect(start.logits.values == plain.rows[0])
        let rows = try await start.decoder.append(Array(plain.tokens.prefix(4)), logits: .all)
        #expect(rows[2].values == plain.rows[3])
        #expect(rows[3].best == end)
    }
}
