import Testing

@testable import Collab

@Suite("Vocabularies that look alike")
struct VocabularyMismatchTests {
    @Test("equal texts, some of them control tokens of one alone, are refused with their ids and a way out")
    func controlFlags() async throws {
        let plain = FlaggedModel(name: "plain", vocabulary: FlaggedTokenizer(control: []))
        let flagged = FlaggedModel(name: "flagged", vocabulary: FlaggedTokenizer(control: [1, 2, 3, 4]))
        #expect((0..<6).allSatisfy { plain.tokenizer.bytes(of: $0) == flagged.tokenizer.bytes(of: $0) })
        let fused = FusedModel(nil, .mixture, members: [plain, flagged])
        let early = #expect(throws: CollabError.self) { try fused.validate() }
        #expect(early?.code == .vocabularyMismatch)
        let message = try #require(early?.message)
        #expect(message.contains("“plain” and “flagged” have different vocabularies (6 and 6 tokens;"))
        // The first three tell what is wrong.
        #expect(
            message.contains(
                "id 1 is “b” and a control token, id 2 is “c” and a control token, id 3 is “d” and a control token)"
            )
        )
        #expect(!message.contains("id 0") && !message.contains("id 4"))
        #expect(message.contains("Fuse them byte by byte (FuseBytes)"))
        let late = await #expect(throws: CollabError.self) { try await fused.respond(to: "a") }
        #expect(late?.code == .vocabularyMismatch)
        #expect(late?.message == message)
    }

    @Test("the way out that the refusal names is one: byte by byte they are fused")
    func byteByByte() async throws {
        let members: [any LogitModel] = [
            FlaggedModel(name: "plain", vocabulary: FlaggedTokenizer(control: [])),
            FlaggedModel(name: "flagged", vocabulary: FlaggedTokenizer(control: [1])),
        ]
        let fused = FuseBytes(.mixture) { members }
        try fused.validate()
        let request: Request = .completion("a", options: GenerationOptions(maximumTokens: 2))
        #expect(try await fused.respond(to: request).text == "aa")
    }
}

/// a to e, and the end: which of them are control tokens is told apart from their bytes.
private struct FlaggedTokenizer: Tokenizer {
    var control: Set<TokenID>
    private var letters: ToyTokenizer { ToyTokenizer(["a", "b", "c", "d", "e"]) }

    init(control: Set<TokenID>) { self.control = control }

    var count: Int { letters.count }
    var endTokens: Set<TokenID> { letters.endTokens }
    var fingerprint: VocabularyFingerprint {
        let flags = control.reduce(UInt64(0)) { $0 | 1 << UInt64($1) }
        return VocabularyFingerprint(count: count, hash: letters.fingerprint.hash &* 31 &+ flags)
    }
    func encode(_ text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] {
        try letters.encode(text, parsingSpecialTokens: parsingSpecialTokens)
    }
    func bytes(of token: TokenID) -> [UInt8] { letters.bytes(of: token) }
    func isControl(_ token: TokenID) -> Bool { control.contains(token) || endTokens.contains(token) }
}

/// A model that always finds “a” most probable.
private struct FlaggedModel: LogitModel {
    var name: String
    var vocabulary: FlaggedTokenizer

    var tokenizer: any Tokenizer { vocabulary }
    var contextLength: Int { 64 }
    private var toy: ToyModel { ToyModel(name, always: [4, 0, 0, 0, 0, -4]) }
    func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try vocabulary.encode(request.question, parsingSpecialTokens: false)
    }
    func makeDecoder() async throws(CollabError) -> any Decoder { ToyDecoder(toy, []) }
}
