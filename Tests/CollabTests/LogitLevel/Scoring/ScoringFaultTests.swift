import Testing

@testable import Collab

@Suite("Texts that cannot be scored")
struct ScoringFaultTests {
    private let request = Request(.completion("c"))

    private func model(_ name: String, _ row: [Float]) -> some TokenScoring {
        ToyModel(name) { tokens in tokens.last == 0 ? row : [0, 0, 0, 0, 0] }.processed(by: TokenBias([:]))
    }

    @Test("a row that is no distribution is an error with the model's name")
    func broken() async throws {
        let cases: [([Float], CollabError.Code)] = [
            ([0, .nan, 0, 0, 0], .notFinite), ([0, .infinity, 0, 0, 0], .notFinite),
            (Array(repeating: -.infinity, count: 5), .nothingToSample), ([], .vocabularyMismatch),
        ]
        for (row, code) in cases {
            // It is the row of the second token.
            for text in ["ab", "aa"] {
                let error = await #expect(throws: CollabError.self) {
                    try await model("broken", row).score([text], after: request)
                }
                #expect(error?.code == code && error?.message.contains("“broken") == true)
            }
            #expect(try await model("broken", row).score(["b"], after: request).count == 1)
        }
    }

    @Test("a token that is impossible has −∞, and padding counts for nothing")
    func impossible() async throws {
        let scored = try await model("sure", [0, -.infinity, 0, -.infinity, -.infinity, 50]).score(
            ["ab", "ac"],
            after: request
        )
        #expect(scored[0].tokenLogprobs[1] == -.infinity)
        #expect(abs(scored[1].tokenLogprobs[1] - Double(logs(0.5)[0])) < 1e-6)
    }

    @Test("an empty text is no choice, since nothing is more probable")
    func emptyChoice() async throws {
        for texts in [[], ["a", ""]] {
            let error = await #expect(throws: CollabError.self) {
                try await model("even", [0, 0, 0, 0, 0]).choose(among: texts, after: request)
            }
            #expect(error?.code == .invalidRequest)
        }
    }

    @Test("a text that the first vocabulary of a union does not spell has no score")
    func unspelled() async throws {
        let members = [
            ToyModel("one", ToyTokenizer(["a", "b"]), always: [0, 0, 0]),
            ToyModel("other", ToyTokenizer(["a", "c"]), always: [0, 0, 0]),
        ]
        let union = FuseUnion(.mixture, members: members)
        let request = Request(.completion("a"))
        #expect(try await union.score(["ab", ""], after: request).map(\.tokenLogprobs.count) == [2, 0])
        let single = try UnionModel(members[1], in: union.vocabulary())
        for model in [union, single] as [any TokenScoring] {
            let error = await #expect(throws: CollabError.self) {
                try await model.score(["ab", "ac"], after: request)
            }
            #expect(error?.code == .unsupported && error?.message.contains("“ac”") == true)
        }
    }
}
