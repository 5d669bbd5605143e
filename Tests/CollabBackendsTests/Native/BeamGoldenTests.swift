import Collab
import Foundation
import Testing

@testable import CollabBackends

/// The results of Hugging Face's transformers on the tiny Llama; `Scripts/fixtures/make_beams.py` makes them.
@Suite("Beam search against transformers")
struct BeamGoldenTests {
    private struct Goldens: Decodable {
        struct Case: Decodable {
            struct Answer: Decodable {
                var tokens: [TokenID]
                var score: Double
            }
            var prompt: [TokenID]
            var width: Int
            var penalty: Double
            var stopping: BeamSearch.Stopping
            var beams: [Answer]
        }
        var ends: Set<TokenID>
        var limit: Int
        var cases: [Case]
    }

    /// The model with other end tokens, whatever is asked after a prompt of given tokens.
    private struct Prompted: LogitModel {
        struct Tokens: Tokenizer {
            var count: Int
            var endTokens: Set<TokenID>
            var fingerprint: VocabularyFingerprint { VocabularyFingerprint(count: count, hash: 1) }
            func encode(_ text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] { [] }
            func bytes(of token: TokenID) -> [UInt8] { [UInt8(token)] }
            func isControl(_ token: TokenID) -> Bool { false }
        }
        var base: NativeModel
        var prompt: [TokenID]
        var ends: Set<TokenID>
        var name: String { base.name }
        var contextLength: Int { base.contextLength }
        var tokenizer: any Tokenizer { Tokens(count: base.tokenizer.count, endTokens: ends) }
        func promptTokens(for request: Request) throws(CollabError) -> [TokenID] { prompt }
        func makeDecoder() async throws(CollabError) -> any Collab.Decoder { try await base.makeDecoder() }
    }

    @Test("the same answers with the same scores, for every width, penalty and way to stop")
    func goldens() async throws {
        let goldens = try JSONDecoder().decode(
            Goldens.self,
            from: Data(contentsOf: fixture("models/beams.json"))
        )
        let base = try await TinyModels.model(TinyModels.checkpoint("llama"))
        #expect(goldens.cases.count == 108)
        for entry in goldens.cases {
            let model = Prompted(base: base, prompt: entry.prompt, ends: goldens.ends)
            let search = BeamSearch(
                width: entry.width,
                lengthPenalty: entry.penalty,
                stopping: entry.stopping
            )
            let beams = try await model.beams(
                search,
                for: Request(.completion("x"), options: GenerationOptions(maximumTokens: goldens.limit))
            )
            let label = Comment(rawValue: "\(entry.prompt), \(search)")
            #expect(beams.count == entry.beams.count, label)
            for (beam, expected) in zip(beams, entry.beams) {
                let tokens =
                    goldens.ends.contains(expected.tokens.last ?? 0)
                    ? Array(expected.tokens.dropLast()) : expected.tokens
                #expect(beam.tokens == tokens, label)
                #expect(abs(beam.score - expected.score) < 2e-5 * max(1, abs(expected.score)), label)
            }
        }
    }
}
