import Collab
import Foundation
import Testing

@testable import CollabBackends

/// WordPiece and Unigram vocabularies in GGUF files, beside the same ones in tokenizer.json.
@Suite("Vocabularies of encoders in GGUF files")
struct EncoderVocabularyTests {
    /// A vocabulary as tokenizer.json writes it.
    private struct Written {
        var tokens: [(id: Int, text: String)]
        var scores: [Float] = []
        var special: [Int: String]
        var charsmap: [Int64] = []

        init(_ kind: String) throws {
            let url = fixture("tokenizer-files/\(kind)/tokenizer.json")
            let json = try JSONSerialization.jsonObject(with: Data(contentsOf: url))
            let file = try #require(json as? [String: Any])
            let model = try #require(file["model"] as? [String: Any])
            let added = try #require(file["added_tokens"] as? [[String: Any]])
            special = Dictionary(
                uniqueKeysWithValues: try added.map {
                    (try #require($0["id"] as? Int), try #require($0["content"] as? String))
                }
            )
            if let vocabulary = model["vocab"] as? [String: Int] {
                tokens = vocabulary.map { (id: $0.value, text: $0.key) }
            } else {
                let pairs = try #require(model["vocab"] as? [[Any]])
                tokens = try pairs.enumerated().map { (id: $0, text: try #require($1[0] as? String)) }
                scores = try pairs.map { Float(truncating: try #require($0[1] as? NSNumber)) }
            }
            tokens.sort { $0.id < $1.id }
            #expect(tokens.map(\.id) == Array(0..<tokens.count))
            let normaliser = file["normalizer"] as? [String: Any]
            if let map = normaliser?["precompiled_charsmap"] as? String {
                charsmap = try #require(Data(base64Encoded: map)).map { Int64($0) }
            }
        }
    }

    private static func metadata(_ builder: GGUFBuilder) throws -> GGUFMetadata {
        let folder = try TemporaryFolder()
        let path = folder.path("model.gguf")
        try Data(builder.build()).write(to: URL(fileURLWithPath: path))
        return try GGUFFile(path: path).metadata
    }

    private static func wordPieces(_ kind: String, asEarlierConverters isEarly: Bool = false) throws
        -> GGUFMetadata
    {
        let written = try Written(kind)
        var tokens = written.tokens.map { token in
            if written.special[token.id] != nil { return token.text }
            return token.text.hasPrefix("##") ? String(token.text.dropFirst(2)) : "▁" + token.text
        }
        var kinds = written.tokens.map { Int64(written.special[$0.id] == nil || isEarly ? 1 : 3) }
        // Models have a row or two more than the vocabulary.
        tokens += ["[PAD700]", "[PAD701]"]
        kinds += [5, 5]
        var builder = GGUFBuilder().key("tokenizer.ggml.model", .string("bert"))
            .key("tokenizer.ggml.tokens", .strings(tokens))
            .key("tokenizer.ggml.token_type", .integers(kinds, width: .int32))
        if !isEarly {
            for (name, text) in [
                ("cls", "[CLS]"), ("seperator", "[SEP]"), ("unknown", "[UNK]"), ("padding", "[PAD]"),
            ] {
                let id = try #require(tokens.firstIndex(of: text))
                builder = builder.key("tokenizer.ggml.\(name)_token_id", .integer(Int64(id), width: .uint32))
            }
        }
        return try metadata(builder)
    }

    private static func unigram(
        _ kind: String,
        _ change: (GGUFBuilder) -> GGUFBuilder = { $0 }
    ) throws -> GGUFMetadata {
        let written = try Written(kind)
        let kinds = written.tokens.map { token in
            Int64(written.special[token.id] == nil ? 1 : token.text == "<unk>" ? 2 : 3)
        }
        let end = try #require(written.tokens.firstIndex { $0.text == "</s>" })
        // As converters fill vocabularies up.
        let builder = GGUFBuilder().key("tokenizer.ggml.model", .string("t5"))
            .key("tokenizer.ggml.tokens", .strings(written.tokens.map(\.text) + ["[PAD448]", "[PAD449]"]))
            .key("tokenizer.ggml.token_type", .integers(kinds + [5, 5], width: .int32))
            .key("tokenizer.ggml.scores", .floats(written.scores + [-10_000, -10_000]))
            .key("tokenizer.ggml.precompiled_charsmap", .integers(written.charsmap, width: .uint8))
            .key("tokenizer.ggml.eos_token_id", .integer(Int64(end), width: .uint32))
            .key("tokenizer.ggml.add_bos_token", .bool(false))
        return try metadata(change(builder))
    }

    private static func expectAlike(_ written: any ModelTokenizer, _ kind: String) throws {
        let reference = try ModelFolder(path: fixture("tokenizer-files/\(kind)").path).makeTokenizer()
        #expect(written.markers.addsBegin == reference.markers.addsBegin)
        #expect(written.markers.addsEnd == reference.markers.addsEnd)
        for text in try TokenizerFileTests.texts.get() {
            for parses in [false, true] {
                let tokens = try written.encodePrompt(text, parsingSpecialTokens: parses)
                let expected = try reference.encodePrompt(text, parsingSpecialTokens: parses)
                #expect(tokens == expected, "\(text.debugDescription)")
                // That file's decoder leaves a space before signs, as released ones do not and GGUF cannot say.
                if kind != "bert-cased" { #expect(written.decode(tokens) == reference.decode(expected)) }
            }
        }
    }

    @Test(
        "WordPiece cuts text as the same vocabulary in tokenizer.json does",
        arguments: ["bert-uncased", "bert-cased"]
    )
    func wordPieces(kind: String) throws {
        let tokenizer = try Self.wordPieces(kind).makeTokenizer()
        #expect(tokenizer.count == 702)
        try Self.expectAlike(tokenizer, kind)
    }

    @Test("Special tokens of files that do not mark them are known by their names")
    func earlierConverters() throws {
        let tokenizer = try Self.wordPieces("bert-uncased", asEarlierConverters: true).makeTokenizer()
        let reference = try Self.wordPieces("bert-uncased").makeTokenizer()
        #expect(tokenizer.markers == reference.markers)
        for text in try TokenizerFileTests.texts.get() {
            let expected = try reference.encodePrompt(text, parsingSpecialTokens: false)
            let tokens = try tokenizer.encodePrompt(text, parsingSpecialTokens: false)
            #expect(tokens == expected)
        }
    }

    @Test("Unigram cuts text as the same vocabulary in tokenizer.json does")
    func unigram() throws {
        let tokenizer = try Self.unigram("t5").makeTokenizer()
        #expect(tokenizer.count == 450)
        try Self.expectAlike(tokenizer, "t5")
    }

    @Test("Vocabularies that lack what they need are refused with the reason")
    func damaged() throws {
        func refusal(_ metadata: GGUFMetadata) -> CollabError? {
            do throws(CollabError) {
                _ = try metadata.makeTokenizer()
                return nil
            } catch {
                return error
            }
        }
        let bare = GGUFBuilder().key("tokenizer.ggml.tokens", .strings(["▁a", "b"]))
        let noUnknown = refusal(try Self.metadata(bare.key("tokenizer.ggml.model", .string("bert"))))
        #expect(noUnknown?.code == .malformedFile)
        #expect(noUnknown?.message.contains("unknown_token_id") == true)
        let beyond = bare.key("tokenizer.ggml.model", .string("bert"))
            .key("tokenizer.ggml.unknown_token_id", .integer(9, width: .uint32))
        #expect(refusal(try Self.metadata(beyond))?.code == .malformedFile)
        let noScores = refusal(try Self.metadata(bare.key("tokenizer.ggml.model", .string("t5"))))
        #expect(noScores?.code == .malformedFile && noScores?.message.contains("scores") == true)
        let twice = GGUFBuilder().key("tokenizer.ggml.model", .string("bert"))
            .key("tokenizer.ggml.tokens", .strings(["[UNK]", "▁a", "▁a"]))
        #expect(refusal(try Self.metadata(twice))?.code == .malformedFile)
        let suffix = refusal(
            try Self.unigram("t5") { $0.key("tokenizer.ggml.treat_whitespace_as_suffix", .bool(true)) }
        )
        #expect(suffix?.code == .unsupported)
        let empty = GGUFBuilder().key("tokenizer.ggml.model", .string("t5"))
            .key("tokenizer.ggml.tokens", .strings([])).key("tokenizer.ggml.scores", .floats([]))
        #expect(refusal(try Self.metadata(empty))?.code == .malformedFile)
        let unused = GGUFBuilder().key("tokenizer.ggml.model", .string("t5"))
            .key("tokenizer.ggml.tokens", .strings(["a"])).key("tokenizer.ggml.scores", .floats([0]))
            .key("tokenizer.ggml.token_type", .integers([5], width: .int32))
        #expect(refusal(try Self.metadata(unused))?.code == .malformedFile)
        for score in [Float.nan, .infinity] {
            let scores = GGUFBuilder().key("tokenizer.ggml.model", .string("t5"))
                .key("tokenizer.ggml.tokens", .strings(["▁a", "b"]))
                .key("tokenizer.ggml.scores", .floats([-1, score]))
            let refused = refusal(try Self.metadata(scores))
            #expect(refused?.code == .malformedFile && refused?.message.contains("token 1") == true)
        }
        // A frame that no token is would be left out, and every vector would be another.
        let framed = GGUFBuilder().key("tokenizer.ggml.model", .string("bert"))
            .key("tokenizer.ggml.tokens", .strings(["[UNK]", "[CLS]", "[SEP]", "▁a"]))
        #expect(refusal(try Self.metadata(framed)) == nil)
        for (key, id) in [("cls", -1), ("seperator", 4), ("padding", 1 << 20), ("unknown", 4)] {
            let beyond = framed.key("tokenizer.ggml.\(key)_token_id", .integer(Int64(id), width: .int32))
            #expect(refusal(try Self.metadata(beyond))?.message.contains("\(id)") == true, "\(key)")
        }
        let long = GGUFBuilder().key("tokenizer.ggml.model", .string("t5"))
            .key("tokenizer.ggml.tokens", .strings(["a", String(repeating: "b", count: 5000)]))
            .key("tokenizer.ggml.scores", .floats([-1, -2]))
        #expect(refusal(try Self.metadata(long))?.code == .unsupported)
        // The trie of one unit, then a replacement that has no end.
        let bomb = GGUFBuilder().key("tokenizer.ggml.model", .string("t5"))
            .key("tokenizer.ggml.tokens", .strings(["a"])).key("tokenizer.ggml.scores", .floats([-1]))
            .key(
                "tokenizer.ggml.precompiled_charsmap",
                .integers([4, 0, 0, 0, 0, 0, 0, 0] + Array(repeating: 65, count: 2000), width: .uint8)
            )
        #expect(refusal(try Self.metadata(bomb))?.code == .malformedFile)
        let map = GGUFBuilder().key("tokenizer.ggml.model", .string("t5"))
            .key("tokenizer.ggml.tokens", .strings(["<unk>", "▁a"])).key(
                "tokenizer.ggml.scores",
                .floats([0, -1])
            )
            .key("tokenizer.ggml.precompiled_charsmap", .integers([255, 255, 0, 0, 1], width: .uint8))
        #expect(refusal(try Self.metadata(map))?.code == .malformedFile)
    }
}
