import Testing

@testable import Collab

/// The vocabulary puts a space in front of every text that continues nothing. So every prompt has one, and nothing that
/// goes on with a prompt does.
@Suite("Texts that go on with others, in vocabularies that put a space in front of texts")
struct ContinuationTests {
    private static let vocabulary: ToyTokenizer = {
        var vocabulary = ToyTokenizer([" ", "a", "b", "c"])
        vocabulary.prefixesSpace = true
        return vocabulary
    }()

    /// What a model has read, one list a pass.
    private let reads = Protected<[[TokenID]]>([])

    private func model(_ name: String = "spaced", always values: [Float] = logs(0.4, 0.3, 0.2, 0.05, 0.05))
        -> ToyModel
    {
        var model = ToyModel(name, Self.vocabulary, always: values)
        let reads = reads
        model.onAppend = { (tokens) async throws(CollabError) in reads.withLock { $0.append(tokens) } }
        return model
    }

    private let request = Request(.completion("a"))
    private let b = Double(logs(0.2)[0])

    @Test("only what begins a text has the space")
    func vocabulary() throws {
        #expect(try model().promptTokens(for: request) == [0, 1])
        #expect(try Self.vocabulary.encode(continuing: "bc") == [2, 3])
        let fused = FusedModel(nil, .mixture, members: [model("m0"), model("m1")])
        #expect(try fused.tokenizer.encode(continuing: "bc") == [2, 3])
        #expect(try fused.tokenizer.encode("bc", parsingSpecialTokens: false) == [0, 2, 3])
        // A vocabulary that puts nothing in front makes no difference.
        #expect(try ToyTokenizer.letters.encode(continuing: "ab") == [0, 1])
    }

    @Test("scores, labels and attributions are of the text itself")
    func scores() async throws {
        let fused = FusedModel(nil, .mixture, members: [model("m0"), model("m1")])
        let scores = try await fused.score(["b"], after: request)
        #expect(scores[0].tokenLogprobs.count == 1 && abs(scores[0].logprob - b) < 1e-5)
        let labels = try await model().logprobs(of: ["b"], after: request)
        #expect(abs(labels[0] - b) < 1e-5)
        #expect(try await fused.attribution(of: "b", after: request).map(\.token) == [2])
    }

    @Test("a text in another vocabulary's token is read as it is")
    func union() throws {
        let other = ToyModel("other", ToyTokenizer(["bc", "a"]), always: [0, 0, 0])
        let union = try UnionVocabulary(of: [model(), other])
        #expect(try union.members[0].tokens(of: Array("bc".utf8)) == [2, 3])
        #expect(try union.encode(continuing: "bc").map { union.bytes(of: $0) } == [[0x62], [0x63]])
        #expect(
            try union.encode("b", parsingSpecialTokens: false).map { union.bytes(of: $0) } == [
                [0x20], [0x62],
            ]
        )
    }

    @Test("what another has written is read without a space between")
    func partial() async throws {
        let answer = try await TopsOfLogits(model(), limit: 1).startAnswer(request)
        _ = try await answer.next(count: 1)
        try await answer.write(Array("bc".utf8))
        #expect(reads.withLock { $0 } == [[0, 1], [2, 3]])
    }

    @Test("models that write in turn read each other's words as they are")
    func switching() async throws {
        let first = ToyModel("first", ToyTokenizer(["bc", "a"]), always: [2, 0, 0])
        let turns = SwitchingModel(
            .patches(of: 1),
            members: [first, model("second", always: [0, 0, 2, 0, 0])]
        )
        let options = GenerationOptions(maximumTokens: 3)
        let response = try await turns.respond(to: Request(.completion("a"), options: options))
        #expect(response.text == "bcbbc")
        #expect(reads.withLock { $0 }.prefix(3) == [[0, 1], [2, 3], [2]])
    }

    @Test("a gate is learned from the answers themselves")
    func gate() async throws {
        let examples = [LearnedGate.Example(request, answer: "bcb")]
        _ = try await LearnedGate.fitted(base: model("m0"), expert: model("m1"), examples: examples)
        #expect(reads.withLock { $0 }.filter { $0 != [0, 1] } == [[2, 3], [2, 3]])
    }
}
