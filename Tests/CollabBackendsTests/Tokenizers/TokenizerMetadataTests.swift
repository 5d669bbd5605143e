import Collab
import CollabBackends
import Foundation
import Testing

@Suite("Tokenizers in damaged GGUF files")
struct TokenizerMetadataTests {
    @Test("Parts that do not fit together are refused, and nothing else traps")
    func corpus() throws {
        let refused = [
            "m-token-types-short", "m-scores-short", "m-tokens-type", "m-no-tokenizer", "m-tokenizer-unknown",
        ]
        let corpus = try FuzzCorpus.shared.get()
        var seen = 0
        for file in corpus.cases(of: "gguf-model") {
            guard let metadata = try? GGUFFile(path: corpus.path(of: file)).metadata else { continue }
            var failure: CollabError?
            var tokenizer: (any ModelTokenizer)?
            do throws(CollabError) { tokenizer = try metadata.makeTokenizer() } catch { failure = error }
            if refused.contains(where: { file.file.contains($0 + ".") }) {
                seen += 1
                #expect(failure != nil, "\(file.file): \(file.why)")
                #expect([.malformedFile, .unsupported].contains(failure?.code ?? .cancelled))
            }
            guard let tokenizer else { continue }
            let ids = try tokenizer.encodePrompt("hello <eos> \u{0} ü", parsingSpecialTokens: true)
            #expect(ids.allSatisfy { $0 >= 0 && $0 < tokenizer.count })
            #expect(tokenizer.endTokens.allSatisfy { $0 >= 0 && $0 < tokenizer.count })
        }
        #expect(seen == refused.count)
    }

    @Test(
        "Kinds that only encoders have are named, with what to do",
        arguments: [("bert", "WordPiece"), ("t5", "Unigram"), ("rwkv", "known are")]
    )
    func otherKinds(model: String, name: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("model.gguf")
        let bytes = GGUFBuilder().key("tokenizer.ggml.model", .string(model))
            .key("tokenizer.ggml.tokens", .strings(["[UNK]", "a"])).build()
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let metadata = try GGUFFile(path: path).metadata
        let error = #expect(throws: CollabError.self) { try metadata.makeTokenizer() }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains("“\(model)”") == true && error?.message.contains(name) == true)
    }
}
