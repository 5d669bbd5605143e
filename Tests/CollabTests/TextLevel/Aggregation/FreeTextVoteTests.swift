import Collab
import CollabTesting
import Testing

/// Ballots for texts, with the confidences of their authors.
func ballots(_ texts: [String], _ confidences: [Double?] = []) -> [Ballot] {
    texts.enumerated().map { index, text in
        Ballot(
            member: index,
            name: "m\(index)",
            answer: AnswerFormat.freeText.answer(in: text),
            confidence: confidences.indices.contains(index) ? confidences[index] : nil,
            text: text
        )
    }
}

@Suite("A vote by similarity")
struct SimilarityVoteTests {
    @Test("takes the text that is most like the others, though no two are equal")
    func central() {
        let tally = Aggregation.similarity.count(
            ballots([
                "Bananas are yellow.", "The sky is blue by day", "The sky is blue today",
                "The sky is grey today",
            ]),
            ties: .firstDeclared
        )
        #expect(tally.candidates[tally.winner ?? 0].ballots[0].member == 2)
        // “sky is blue today” and “sky is grey today” share sky, is, today, and “sky is”: 2 · 4 ∕ (7 + 7); with “sky is blue
        // by day” sky, is, blue, “sky is”, “is blue”: 2 · 5 ∕ (9 + 7). By hand.
        #expect(abs(tally.candidates[2].weight - (8.0 / 14 + 10.0 / 16)) < 1e-12)
        #expect(tally.candidates[0].weight == 0)
    }

    @Test("counts equal answers as entirely alike, and votes that could not be read not at all")
    func equal() {
        let tally = Aggregation.similarity.count(ballots(["yes", "Yes!", "no", " "]), ties: .firstDeclared)
        #expect(tally.candidates.map(\.weight) == [1, 0])
        #expect(tally.unparsed == 1)
    }

    /// Knows the meaning of three texts.
    private struct Embedder: EmbeddingModel {
        var name: String { "embedder" }
        var dimension: Int { 2 }
        func embed(_ texts: [String]) async throws(CollabError) -> [[Float]] {
            texts.map { $0.contains("dog") || $0.contains("hound") ? [1, 0] : [0, 1] }
        }
    }

    @Test("knows synonyms by an embedder, for one call")
    func embedded() async throws {
        let texts = ["A cat", "A dog", "Some hound"]
        let run = Run()
        let vote = Vote("vote", VoteRules(aggregation: .similarity(by: Embedder()), ties: .firstDeclared)) {
            for (index, text) in texts.enumerated() { debater("m\(index)", .init(text)) }
        }
        #expect(try await vote.respond(to: "?", in: run).text == "A dog")
        #expect(run.usage.calls == 4)
        #expect(vote.callRange.upperBound == 4)
        #expect(Aggregation.similarity.count(ballots(texts), ties: .firstDeclared).tieRule != nil)
    }
}

@Suite("A delegated vote")
struct DelegatedVoteTests {
    @Test("comes to rest with those who are sure")
    func chain() {
        let votes = ballots(["the sky is green", "the sky is green now", "the sky is blue"], [0, 0.2, 1])
        let tally = Aggregation.delegation.count(votes, ties: .firstDeclared)
        #expect(tally.answer == .value("sky is blue"))
        // The sure one gets all three votes.
        #expect(abs(tally.candidates[2].weight - 3) < 1e-6)
    }

    @Test("is a plurality where all are equally sure of answers that have nothing in common")
    func equal() {
        let tally = Aggregation.delegation.count(ballots(["yes", "no", "Yes"]), ties: .firstDeclared)
        #expect(tally.answer == .value("yes"))
        #expect(abs(tally.candidates[0].weight - 2) < 1e-9)
        #expect(abs(tally.candidates[1].weight - 1) < 1e-9)
        #expect(Aggregation.delegation.count([], ties: .firstDeclared).winner == nil)
    }

    @Test("settles where shares say: two members who trust each other")
    func stationary() {
        // Equal texts, a keeps ¾, b keeps ½: votes rest at 4∕3 and 2∕3 (a loses ¼ of its own to b, b ½ to a). By hand.
        let votes = [
            Ballot(member: 0, name: "a", answer: .value("x"), confidence: 0.75, text: "same words"),
            Ballot(member: 1, name: "b", answer: .value("y"), confidence: 0.5, text: "same words"),
        ]
        let tally = Aggregation.delegation.count(votes, ties: .firstDeclared)
        #expect(abs(tally.candidates[0].weight - 4.0 / 3) < 1e-9)
        #expect(abs(tally.candidates[1].weight - 2.0 / 3) < 1e-9)
    }
}
