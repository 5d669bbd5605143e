import Collab
import CollabBackends
import Foundation
import Testing

@Suite("Vocabularies made by hand")
struct SmallVocabularyTests {
    /// A SentencePiece-style vocabulary: unknown, begin, end, two bytes, then text by score.
    static func sentencePiece(prefix: Bool?) throws -> any ModelTokenizer {
        let tokens = [
            "<unk>", "<s>", "</s>", "<0xC3>", "<0xA9>", "▁", "a", "b", "ab", "▁ab", "c", "bc", "▁▁", "X",
        ]
        let kinds: [Int64] = [2, 3, 3, 6, 6, 1, 1, 1, 1, 1, 1, 1, 1, 4]
        let scores: [Float] = [0, 0, 0, 0, 0, -9, -9, -9, -2, -3, -9, -1, -4, 0]
        var builder = GGUFBuilder()
            .key("tokenizer.ggml.model", .string("llama"))
            .key("tokenizer.ggml.tokens", .strings(tokens))
            .key("tokenizer.ggml.token_type", .integers(kinds, width: .int32))
            .key("tokenizer.ggml.scores", .floats(scores))
            .key("tokenizer.ggml.bos_token_id", .integer(1, width: .uint32))
            .key("tokenizer.ggml.eos_token_id", .integer(2, width: .uint32))
            .key("tokenizer.ggml.unknown_token_id", .integer(0, width: .uint32))
        if let prefix { builder = builder.key("tokenizer.ggml.add_space_prefix", .bool(prefix)) }
        let folder = try TemporaryFolder()
        try Data(builder.build()).write(to: folder.url.appendingPathComponent("small.gguf"))
        return try GGUFFile(path: folder.path("small.gguf")).metadata.makeTokenizer()
    }

    @Test("The best score joins first, wherever it lies")
    func scores() throws {
        let tokenizer = try Self.sentencePiece(prefix: false)
        // “bc” scores better than “ab”.
        #expect(try tokenizer.encode("abc", parsingSpecialTokens: false) == [6, 11])
        #expect(try tokenizer.encode("ab ab", parsingSpecialTokens: false) == [8, 9])
        #expect(try tokenizer.encode("   ", parsingSpecialTokens: false) == [12, 5])
    }

    @Test("A character without a token becomes its bytes, or the unknown token where those lack")
    func bytes() throws {
        let tokenizer = try Self.sentencePiece(prefix: false)
        #expect(try tokenizer.encode("é", parsingSpecialTokens: false) == [3, 4])
        #expect(try tokenizer.encode("aèa", parsingSpecialTokens: false) == [6, 0, 6])
        #expect(tokenizer.decode([8, 9, 3, 4]) == "ab abé")
    }

    @Test("A space goes before the text and after special tokens, unless the file says otherwise")
    func spacePrefix() throws {
        let tokenizer = try Self.sentencePiece(prefix: nil)
        #expect(try tokenizer.encode("ab", parsingSpecialTokens: false) == [9])
        #expect(try tokenizer.encode("abXab", parsingSpecialTokens: false) == [9, 13, 9])
        #expect(try tokenizer.encode("", parsingSpecialTokens: false) == [])
        #expect(try tokenizer.encodePrompt("ab", parsingSpecialTokens: false) == [1, 9])
    }

    @Test(
        "Names of control tokens are text, unless parsing them is asked for; user-defined ones are always cut out"
    )
    func special() throws {
        let tokenizer = try Self.sentencePiece(prefix: false)
        #expect(try tokenizer.encode("a</s>", parsingSpecialTokens: true) == [6, 2])
        #expect(try !tokenizer.encode("a</s>", parsingSpecialTokens: false).contains(2))
        #expect(try tokenizer.encode("aXb", parsingSpecialTokens: false) == [6, 13, 7])
        let rendered = try tokenizer.encodePrompt("<s>a", parsingSpecialTokens: true, rendersMarkers: true)
        #expect(rendered == [1, 6])
    }
}
