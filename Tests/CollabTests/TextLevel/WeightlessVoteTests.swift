import Collab
import CollabTesting
import Testing

@Suite("A vote in which nobody's vote weighs anything")
struct WeightlessVoteTests {
    private func ballots(_ answers: String..., confidence: Double? = nil) -> [Ballot] {
        answers.enumerated().map {
            Ballot(member: $0, name: "m\($0)", answer: .value($1), confidence: confidence)
        }
    }

    @Test("goes to the greater number where no confidence was measured")
    func unmeasured() {
        let tally = Aggregation.confidenceWeighted.count(ballots("41", "42", "42"), ties: .firstDeclared)
        #expect(tally.answer == .value("42"))
        #expect(tally.tieRule == nil)
        let tie = Aggregation.confidenceWeighted.count(ballots("41", "42"), ties: .firstDeclared)
        #expect((tie.answer, tie.tieRule) == (.value("41"), .firstDeclared))
    }

    @Test("goes to the greater number where the calibration knows none of those who vote")
    func strangers() {
        let calibration = Calibration(members: [.init(name: "somebody else", right: 18, asked: 20)])
        let tally = Aggregation.logOdds(calibration).count(ballots("41", "42", "42"), ties: .firstDeclared)
        #expect(tally.answer == .value("42"))
    }

    @Test("goes to the most accurate member where none is better than chance")
    func hopeless() {
        let calibration = Calibration(members: [
            .init(name: "m0", right: 9, asked: 20), .init(name: "m1", right: 5, asked: 20),
            .init(name: "m2", right: 5, asked: 20),
        ])
        let tally = Aggregation.logOdds(calibration).count(ballots("41", "42", "42"), ties: .firstDeclared)
        #expect(tally.answer == .value("41"))
    }

    @Test("goes to the greater number where a verifier has said nothing that can be read")
    func unreadableVerifier() async throws {
        let vote = Vote("vote", .verifierWeighted(by: debater("v", "Hm."), samples: 1, answers: .numeric)) {
            debater("a", "41"); debater("b", "42"); debater("c", "42")
        }
        #expect(try await vote.respond(to: "?").text == "42")
    }

    @Test("passes over preferences that are no numbers")
    func notANumber() {
        let rule = Aggregation("odd", weight: { _ in 1 }, preferring: { $0.name == "m0" ? .nan : 1 })
        #expect(rule.count(ballots("41", "42"), ties: .firstDeclared).answer == .value("42"))
    }
}
