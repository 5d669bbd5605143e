import Collab
import CollabTesting
import Testing

@Suite("Protocols of critique")
struct CritiqueTests {
    @Test("withhold an answer that a chair finds false, with the reason")
    func cooperative() async throws {
        let panel = CooperativeProbe(answers: .numeric) {
            debater("a", "41"); debater("b", "It is not 41."); debater("c", "Nor do I think so.", "False.")
        }
        let answer = try await panel.respond(to: "?")
        #expect(answer.text == "I do not know.")
        #expect(answer.ending == .refused)
        #expect(answer.refusal == "c found the answer false after 2 reviews")
        #expect(answer.trace?.root.decisions.last?.choice == "abstain")
        #expect(answer.trace?.root.note("abstains") == "yes, from “41”")
        #expect(answer.trace?.root.confidence == 0)
    }

    @Test(
        "withhold an answer that does not withstand most of its rivals",
        arguments: [(1, true), (2, false)]
    )
    func competitive(kept: Int, abstains: Bool) async throws {
        let replies = (0..<3).map { $0 < kept ? "41" : "50" }
        let speaker = ScriptedModel("a") { (request, _) throws(CollabError) in
            for (index, rival) in ["b", "c", "d"].enumerated()
            where request.question.contains("says \(rival)") {
                return ScriptedAnswer(replies[index])
            }
            return "41"
        }
        let panel = CompetitiveProbe(answers: .numeric) {
            speaker
            for rival in ["b", "c", "d"] { debater(rival, ScriptedAnswer("So says \(rival)")) }
        }
        let answer = try await panel.respond(to: "?")
        #expect((answer.ending == .refused) == abstains)
        #expect(answer.trace?.root.confidence == Double(kept) / 3)
        // Each rival argued with its own model.
        #expect(answer.trace?["arguments"]?.children.map(\.name).sorted() == ["b", "c", "d"])
    }

    @Test("withhold an answer that does not hold under examination, and say so in the program's words")
    func examined() async throws {
        let witness = debater("a", "41", "There are two.", "I am not sure.")
        let panel = CrossExamination(
            rounds: 2,
            answers: .numeric,
            abstention: Abstention(text: "Weiß ich nicht.")
        ) {
            witness
            debater("b", "How many are left?", "Are you sure?", "No.")
        }
        #expect(try await panel.respond(to: "?").text == "Weiß ich nicht.")
        // The witness does not see what the examiner is after.
        #expect(witness.requests[1].question == "How many are left?")
    }

    @Test("let an answer stand that no probe could test, and say so")
    func untested() async throws {
        let panel = CooperativeProbe(answers: .numeric) {
            debater("a", "41"); debater("b", "Hm", "Maybe, maybe not.")
        }
        let answer = try await panel.respond(to: "?")
        #expect(answer.text == "41")
        #expect(answer.trace?.root.confidence == nil)
        #expect(
            answer.trace?.root.decisions.last?.reason
                == "no probe could be read, so the answer stands untested"
        )
    }

    @Test("measure abstention by six figures, as counted by hand")
    func metrics() throws {
        func outcomes(_ count: Int, right: Bool, withheld: Bool, _ confidence: Double) -> [AbstentionMetrics
            .Outcome]
        {
            Array(
                repeating: .init(isRight: right, isWithheld: withheld, confidence: confidence),
                count: count
            )
        }
        let metrics = AbstentionMetrics(
            of: outcomes(5, right: true, withheld: false, 0.95)
                + outcomes(1, right: true, withheld: true, 0.25)
                + outcomes(2, right: false, withheld: false, 0.95)
                + outcomes(2, right: false, withheld: true, 0.25)
        )
        #expect(metrics.reliableAccuracy == 5.0 / 7)
        #expect(metrics.effectiveReliability == 0.3)
        #expect(metrics.abstainAccuracy == 0.7)
        #expect(metrics.abstainPrecision == 2.0 / 3)
        #expect(metrics.abstainRecall == 0.5)
        // Bins of seven at 0.95 with five right, and of three at 0.25 with one right.
        let expected: Double = (1.65 + 0.25) / 10
        #expect(abs(try #require(metrics.calibrationError) - expected) < 1e-12)
        let none = AbstentionMetrics(of: [])
        #expect(none.reliableAccuracy == nil && none.calibrationError == nil && none.abstainRecall == nil)
    }

    @Test("draw reviewers from the seed")
    func reviewers() async throws {
        func heard(seed: UInt64) async throws -> [[String]] {
            let panel = PeerFeedback(reviewers: 1, answers: .numeric) {
                for index in 0..<5 { debater("m\(index)", ScriptedAnswer("\(index)")) }
            }
            let trace = try await panel.respond(to: "?", in: Run(seed: seed)).trace
            return try #require(trace?["revision 1"]?.turns.map(\.heard))
        }
        #expect(try await heard(seed: 1) == heard(seed: 1))
        var draws: Set<[[String]]> = []
        for seed in UInt64(0)..<6 { draws.insert(try await heard(seed: seed)) }
        #expect(draws.count > 1)
        #expect(draws.joined().allSatisfy { $0.count == 1 })
    }

    @Test("keep an answer that could be read over a revision that cannot")
    func unreadableRevision() async throws {
        let panel = Refine(rounds: 1, answers: .numeric) { debater("a", "41", "No.", "Oh dear.") }
        #expect(try await panel.respond(to: "?").text == "41")
    }
}
