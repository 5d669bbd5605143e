import Collab
import Foundation
import Testing

@testable import CollabBackends

@Suite("Tokens of texts that go on with others")
struct ContinuedTextTests {
    @Test("A SentencePiece vocabulary puts no space before what continues, but does so after special tokens")
    func sentencePiece() throws {
        let tokenizer = try SmallVocabularyTests.sentencePiece(prefix: nil)
        #expect(try tokenizer.encode("ab", parsingSpecialTokens: false) == [9])
        #expect(try tokenizer.encode(continuing: "ab") == [8])
        #expect(try tokenizer.encode(" ab", parsingSpecialTokens: false) == [5, 9])
        #expect(try tokenizer.encode(continuing: " ab") == [9])
        #expect(try tokenizer.encode(continuing: "abXab") == [8, 13, 9])
        #expect(try tokenizer.encode(continuing: "a</s>ab", parsingSpecialTokens: true) == [6, 2, 9])
        #expect(try tokenizer.encode(continuing: "") == [])
    }

    @Test("A tokenizer with more tokens than its model has embeddings continues texts alike")
    func trimmed() throws {
        struct Wider: ModelTokenizer {
            let base: any ModelTokenizer
            var count: Int { base.count + 1 }
            var markers: SequenceMarkers { base.markers }
            var endTokens: Set<TokenID> { base.endTokens }
            var fingerprint: VocabularyFingerprint { base.fingerprint }
            func encode(_ text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] {
                try base.encode(text, parsingSpecialTokens: parsingSpecialTokens)
            }
            func encode(
                continuing text: String,
                parsingSpecialTokens: Bool
            ) throws(CollabError) -> [TokenID] {
                try base.encode(continuing: text, parsingSpecialTokens: parsingSpecialTokens)
            }
            func bytes(of token: TokenID) -> [UInt8] { base.bytes(of: token) }
            func isControl(_ token: TokenID) -> Bool { token == base.count || base.isControl(token) }
            func specialToken(named name: String) -> TokenID? { base.specialToken(named: name) }
            func spelling(of token: TokenID) -> [UInt8] { base.spelling(of: token) }
        }
        let small = try SmallVocabularyTests.sentencePiece(prefix: nil)
        let trimmed = try TrimmedTokenizer.fitting(Wider(base: small), to: small.count, of: "small")
        #expect(trimmed is TrimmedTokenizer)
        #expect(try trimmed.encode(continuing: "ab") == [8])
    }

    /// The expectations are what Hugging Face's `tokenizers` makes of each text behind an “x”.
    @Test(
        "What continues has the ids that it has within a text, in every kind of tokenizer.json with a prefix",
        arguments: ["albert", "llama2", "mistral", "phi3", "roberta", "t5", "unigram-bytes"]
    )
    func files(kind: String) throws {
        let folder = fixture("tokenizer-files")
        let lines = try String(contentsOf: folder.appending(path: "continued.txt"), encoding: .utf8)
        let line = try #require(lines.split(separator: "\n").first { $0.hasPrefix(kind + " ") })
        let tokenizer = try ModelFolder(path: folder.appending(path: kind).path).makeTokenizer()
        var ids: [TokenID] = []
        var differing = 0
        // Dots can be cut in several ways that are equally probable; which is taken depends on what is before.
        for text in try TokenizerFileTests.texts.get()
        where !["..", "…"].contains(where: { text.unicodeScalars.contains($0.unicodeScalars) }) {
            let continued = try tokenizer.encode(continuing: text)
            if continued != (try tokenizer.encode(text, parsingSpecialTokens: false)) { differing += 1 }
            ids += continued + [-1]
        }
        #expect(differing > 600)
        #expect(TokenizerFileTests.digest(ids) == line.split(separator: " ")[1])
    }

    @Test("A message that names a control token is cut at its signs without spaces in between")
    func dialogue() throws {
        let tokenizer = try SmallVocabularyTests.sentencePiece(prefix: nil)
        let template = try ChatTemplate(source: "{% for m in messages %}{{ m.content }}{% endfor %}")
        let renderer = DialogueRenderer(template: template, vocabulary: tokenizer)
        let tokens = try renderer.tokens(for: [.user("ab</s>ab")])
        // <, /, s and > have no tokens of their own: the unknown token stands for each.
        #expect(tokens == [1, 9, 0, 0, 0, 0, 8])
    }
}
