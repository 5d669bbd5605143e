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

    @Test("A kind that is not known is named, with those that are")
    func otherKinds() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("model.gguf")
        let bytes = GGUFBuilder().key("tokenizer.ggml.model", .string("rwkv"))
            .key("tokenizer.ggml.tokens", .strings(["[UNK]", "a"])).build()
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let metadata = try GGUFFile(path: path).metadata
        let error = #expect(throws: CollabError.self) { try metadata.makeTokenizer() }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains("“rwkv”") == true && error?.message.contains("“bert”") == true)
    }

    /// A GGUF file with the vocabulary of a folder's tokenizer.json, as converters write it.
    private func metadata(of kind: String, named pre: String) throws -> GGUFMetadata {
        struct File: Decodable {
            struct Added: Decodable {
                var id: Int
                var content: String
            }
            struct Model: Decodable {
                var vocab: [String: Int]
                var merges: [[String]]
            }
            var added_tokens: [Added]
            var model: Model
        }
        let url = fixture("tokenizer-files/\(kind)/tokenizer.json")
        let file = try JSONDecoder().decode(File.self, from: Data(contentsOf: url))
        let added = Dictionary(uniqueKeysWithValues: file.added_tokens.map { ($0.id, $0.content) })
        var tokens = file.model.vocab.map { (id: $0.value, text: $0.key) }
        tokens += added.filter { id, text in file.model.vocab[text] == nil }.map {
            (id: $0.key, text: $0.value)
        }
        tokens.sort { $0.id < $1.id }
        #expect(tokens.map(\.id) == Array(0..<tokens.count))
        let folder = try TemporaryFolder()
        let path = folder.path("model.gguf")
        let bytes = GGUFBuilder().key("tokenizer.ggml.model", .string("gpt2"))
            .key("tokenizer.ggml.pre", .string(pre))
            .key("tokenizer.ggml.tokens", .strings(tokens.map(\.text)))
            .key(
                "tokenizer.ggml.token_type",
                .integers(tokens.map { added[$0.id] == nil ? 1 : 3 }, width: .int32)
            )
            .key("tokenizer.ggml.merges", .strings(file.model.merges.map { $0.joined(separator: " ") }))
            .key("tokenizer.ggml.bos_token_id", .integer(0, width: .uint32)).build()
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return try GGUFFile(path: path).metadata
    }

    @Test(
        "The same vocabulary cuts text alike from GGUF and from tokenizer.json",
        arguments: [
            ("tekken", "tekken"), ("o200k", "gpt-4o"), ("llama3", "llama-bpe"),
            ("gpt2", "gpt-2"), ("smollm", "smollm"),
        ]
    )
    func names(kind: String, pre: String) throws {
        let written = try metadata(of: kind, named: pre).makeTokenizer()
        let reference = try ModelFolder(path: fixture("tokenizer-files/\(kind)").path).makeTokenizer()
        for text in try TokenizerFileTests.texts.get() {
            #expect(
                try written.encode(text, parsingSpecialTokens: false)
                    == reference.encode(text, parsingSpecialTokens: false),
                "\(text.debugDescription)"
            )
        }
    }

    @Test(
        "Where a file does not say, Llama's and Mistral's vocabularies alone begin texts with a token",
        arguments: [
            ("llama-bpe", true), ("tekken", true), ("dbrx", false), ("smaug-bpe", false), ("gpt-4o", false),
            ("qwen2", false),
        ]
    )
    func beginnings(pre: String, addsBegin: Bool) throws {
        let tokenizer = try metadata(of: "llama3", named: pre).makeTokenizer()
        #expect(tokenizer.markers.addsBegin == addsBegin)
        #expect((try tokenizer.encodePrompt("a", parsingSpecialTokens: true).first == 0) == addsBegin)
    }
}
