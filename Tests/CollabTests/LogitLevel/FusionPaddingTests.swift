import Testing

@testable import Collab

@Suite("Rows of fusions that are longer or shorter than the vocabulary")
struct FusionPaddingTests {
    private static let rows: [[Float]] = [[0, 3, 0.5, 0, -2], [1, 2, 0, 0.3, -3]]
    private let request = Request(.completion("a"), options: GenerationOptions(maximumTokens: 2))

    /// Members whose rows go on behind the vocabulary's end, with what would outweigh everything.
    private static func members(padding: [Float]) -> [any LogitModel] {
        rows.enumerated().map { ToyModel("member \($0.offset)", always: $0.element + padding) }
    }

    @Test(
        "what lies behind the vocabulary decides no weight, mask, gate or score",
        arguments: [
            .mixture, .contrastive(), .entropyWeighted(), .sharedTop(2), .union,
            Fusion.mixture.gated(by: .entropy(above: 0.5)), Fusion.mixture.gated(by: .confidence(below: 0.9)),
            Fusion.mixture.masked(by: .nucleus(topP: 0.5, of: 0)),
        ] as [Fusion]
    )
    func padded(fusion: Fusion) async throws {
        let bare = FusedModel(nil, fusion, members: Self.members(padding: []))
        let padded = FusedModel(nil, fusion, members: Self.members(padding: [50, 60, 40]))
        let expected = try await bare.score(["a", "b", "ba"], after: request)
        #expect(try await padded.score(["a", "b", "ba"], after: request) == expected)
        let (answer, other) = (try await padded.respond(to: request), try await bare.respond(to: request))
        #expect(answer.text == other.text && answer.tokens == other.tokens)
    }

    @Test("attributions name tokens that there are")
    func attribution() async throws {
        let bare = FusedModel(nil, .productOfExperts, members: Self.members(padding: []))
        let padded = FusedModel(nil, .productOfExperts, members: Self.members(padding: [50, 60]))
        let expected = try await bare.attribution(of: "ba", after: request)
        #expect(try await padded.attribution(of: "ba", after: request) == expected)
    }

    @Test(
        "two models of which one has more rows cascade by what is of the vocabulary",
        arguments: [.chow(0.6), .difference(0.1), .optimal(0.3), .unlikelyTokens(0.7)] as [TokenDeferral]
    )
    func cascaded(_ rule: TokenDeferral) async throws {
        let (bare, padded) = (Self.members(padding: []), Self.members(padding: [50, 60, 40]))
        let expected = TokenCascade(bare[0], bare[1], deferring: rule)
        let rows = try await expected.makeDecoder().append([0, 1, 2], logits: .all).map(\.values)
        let answer = try await expected.respond(to: request)
        for (small, large) in [(padded[0], bare[1]), (bare[0], padded[1])] {
            let cascade = TokenCascade(small, large, deferring: rule)
            #expect(try await cascade.makeDecoder().append([0, 1, 2], logits: .all).map(\.values) == rows)
            #expect(try await cascade.respond(to: request).tokens == answer.tokens)
        }
    }

    @Test("a row that is too short, or empty, is an error that names the member", arguments: [0, 2, 4])
    func short(count: Int) async throws {
        let members = [
            ToyModel("whole", always: Self.rows[0]),
            ToyModel("short", always: Array(Self.rows[1].prefix(count))),
        ]
        let error = await #expect(throws: CollabError.self) {
            try await FusedModel(nil, .mixture, members: members).respond(to: request)
        }
        #expect(error?.code == .vocabularyMismatch)
        #expect(error?.message.contains("“short” gives \(count) logits for a vocabulary of 5") == true)
    }
}
