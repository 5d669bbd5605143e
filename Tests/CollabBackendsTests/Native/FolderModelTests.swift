import Collab
import Foundation
import Testing

@testable import CollabBackends

/// Models from folders in Hugging Face's layout.
@Suite struct FolderModelTests {
    private static let path = TinyModels.path("llama")

    @Test("a folder with weights in several files opens as a model with its tokenizer and its template")
    func opens() async throws {
        let model = try await NativeModel(contentsOf: Self.path, options: TinyModels.options)
        #expect(model.name == "llama")
        #expect(model.configuration.family == .llama && model.contextLength == 64)
        #expect(model.tokenizer.count == 80)
        // config.json names one end token, generation_config.json two.
        #expect(model.tokenizer.endTokens == [1, 2])
        let tokens = try TinyModels.sequences().long
        let logits = try await model.makeDecoder().append(tokens, logits: .all)
        let expected = try TinyModels.expected("llama", "long")
        for (row, reference) in zip(logits, expected) {
            #expect(zip(row.values, reference).allSatisfy { abs($0 - $1) < 1e-3 })
        }
        let dialogue = try model.promptTokens(for: Request([.user("hi")]))
        let text = try #require(model.tokenizer as? any ModelTokenizer).render(dialogue)
        #expect(text == "<|begin|>user: hi<|end|><|begin|>assistant: ")
        let response = try await model.respond(
            to: Request([.user("hi")], options: GenerationOptions(maximumTokens: 4))
        )
        #expect(response.usage.completionTokens > 0)
    }

    /// The vectors are those of transformers; `Scripts/fixtures/make_decoder_embeddings.py` makes them.
    @Test(
        "embeds a text by the mean of its states, or by its last one",
        arguments: [nil, .mean, .lastToken] as [Pooling?]
    )
    func embeds(pooling: Pooling?) async throws {
        struct Reference: Decodable {
            var texts: [String]
            var mean, last: [[Float]]
        }
        let file = URL(fileURLWithPath: Self.path + "/embeddings.json")
        let reference = try JSONDecoder().decode(Reference.self, from: Data(contentsOf: file))
        var options = TinyModels.options
        options.pooling = pooling
        let model = try await NativeModel(contentsOf: Self.path, options: options)
        let vectors = try await model.embed(reference.texts)
        let expected = pooling == .lastToken ? reference.last : reference.mean
        for (vector, other) in zip(vectors, expected) {
            #expect(zip(vector, other).allSatisfy { abs($0 - $1) < 1e-4 })
        }
    }

    @Test("takes the pooling that a folder names")
    func namedPooling() throws {
        let folder = try TemporaryFolder()
        let inner = folder.url.appendingPathComponent("1_Pooling")
        try Data("{}".utf8).write(to: folder.url.appendingPathComponent("config.json"))
        func pooling(_ settings: String?) throws -> Pooling? {
            if let settings {
                try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
                try Data(settings.utf8).write(to: inner.appendingPathComponent("config.json"))
            }
            let specification = try HuggingFaceSpecification(folder: try ModelFolder(path: folder.url.path))
            let base = try SafetensorsCheckpoint(path: Self.path)
            return try Pooling(EditedCheckpoint(base: base, specification: specification))
        }
        #expect(try pooling(nil) == nil)
        #expect(try pooling(#"{"pooling_mode_lasttoken": true}"#) == .lastToken)
        #expect(try pooling(#"{"pooling_mode_mean_tokens": true}"#) == .mean)
        #expect(try pooling(#"{"pooling_mode_cls_token": true}"#) == nil)
    }

    @Test(
        "takes the pooling that a GGUF file names",
        arguments: [(0, nil), (1, .mean), (2, nil), (3, .lastToken)] as [(Int64, Pooling?)]
    )
    func namedPooling(number: Int64, pooling: Pooling?) throws {
        let folder = try TemporaryFolder()
        let bytes = GGUFBuilder().key("general.architecture", .string("qwen3"))
            .key("qwen3.pooling_type", .integer(number, width: .uint32)).build()
        try Data(bytes).write(to: folder.url.appendingPathComponent("model.gguf"))
        #expect(try Pooling(GGUFCheckpoint(path: folder.path("model.gguf"))) == pooling)
    }

    @Test("merges of folders run without touching the disk")
    func merges() async throws {
        let base = try SafetensorsCheckpoint(path: Self.path)
        let merged = MergedCheckpoint("twice", .linear(), members: [base, base])
        var options = TinyModels.options
        options.weightFormat = .float
        let model = try await NativeModel(checkpoint: merged, options: options)
        let original = try await NativeModel(checkpoint: base, options: options)
        let tokens = try TinyModels.sequences().long
        let logits = try await model.makeDecoder().append(tokens, logits: .last)[0]
        let expected = try await original.makeDecoder().append(tokens, logits: .last)[0]
        #expect(model.name == "twice")
        #expect(zip(logits.values, expected.values).allSatisfy { abs($0 - $1) < 1e-3 })

        let tensor = "model.layers.1.mlp.down_proj.weight"
        let edited = try base.adding(
            try LowRankUpdate(
                tensor: tensor,
                scale: 1,
                a: [Float](repeating: 1, count: 48),
                b: [Float](repeating: 1, count: 32)
            ),
            name: "edited"
        )
        let other = try await original.replacingWeights(with: edited)
        let changed = try await other.makeDecoder().append(tokens, logits: .last)[0]
        #expect(changed.values != expected.values)
        let input = try await original.captureActivations(tokens: tokens, tensor: tensor, position: 3)
        #expect(input.count == 48)
    }

    @Test("what a folder lacks is named")
    func gaps() async throws {
        let alone = TinyModels.path("qwen2/model.safetensors")
        let cases: [(String, CollabError.Code, String)] = [
            (TinyModels.path("qwen2"), .fileNotFound, "tokenizer.json"),
            (alone, .malformedFile, "config.json"),
            (TinyModels.path("llama-yarn"), .fileNotFound, "model.safetensors"),
            (TinyModels.path("none"), .fileNotFound, "none"),
        ]
        for (path, code, text) in cases {
            await #expect("\(path)") {
                try await NativeModel(contentsOf: path, options: TinyModels.options)
            } throws: { error in
                guard let error = error as? CollabError else { return false }
                return error.code == code && error.message.contains(text)
            }
        }
    }

    @Test("the chat template is a file, a text, or the default of several")
    func templates() throws {
        let forms: [(file: String, contents: String, expected: String?)] = [
            ("chat_template.jinja", "{{ 1 }}", "{{ 1 }}"),
            ("tokenizer_config.json", #"{"chat_template": "{{ 2 }}"}"#, "{{ 2 }}"),
            (
                "tokenizer_config.json",
                #"{"chat_template": [{"name": "tool", "template": "a"}, {"name": "default", "template": "b"}]}"#,
                "b"
            ),
            ("tokenizer_config.json", #"{"chat_template": null}"#, nil),
            ("tokenizer_config.json", "{}", nil),
        ]
        for form in forms {
            let temporary = try TemporaryFolder()
            try form.contents.write(toFile: temporary.path(form.file), atomically: true, encoding: .utf8)
            #expect(
                try ModelFolder(path: temporary.url.path).chatTemplate() == form.expected,
                "\(form.contents)"
            )
        }
        let broken = try TemporaryFolder()
        try #"{"chat_template": 5}"#.write(
            toFile: broken.path("tokenizer_config.json"),
            atomically: true,
            encoding: .utf8
        )
        #expect(throws: CollabError.self) { try ModelFolder(path: broken.url.path).chatTemplate() }
        #expect(
            try ModelFolder(path: TemporaryFolder().url.deletingLastPathComponent().path).chatTemplate()
                == nil
        )
    }

    @Test("a tokenizer may list control tokens beyond the embeddings, but no text")
    func trimmed() throws {
        let tokenizer = NumberedTokens(count: 90, firstControl: 80)
        #expect(try TrimmedTokenizer.fitting(tokenizer, to: 90, of: "a").count == 90)
        let fitted = try TrimmedTokenizer.fitting(tokenizer, to: 80, of: "a")
        #expect(fitted.count == 80 && fitted.fingerprint.count == 80 && fitted.endTokens.isEmpty)
        let error = #expect(throws: CollabError.self) {
            try TrimmedTokenizer.fitting(tokenizer, to: 79, of: "a")
        }
        #expect(error?.code == .malformedFile)
        #expect(error?.message.contains("79 embeddings for 90 tokens") == true)
    }
}
