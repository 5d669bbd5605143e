import Collab
import CollabTesting
import Foundation
import Testing

@Suite("A judge of agreement")
struct StoppingJudgeTests {
    private func debate(_ stopping: Stopping, rounds: Int = 2) -> Debate<Team<TextAccess>> {
        Debate("debate", DebateRules(rounds: rounds, until: stopping)) {
            debater("a", "It is warm", "It is hot")
            debater("b", "Very hot today")
        }
    }

    @Test("ends the talk when it says that the answers come to the same")
    func ends() async throws {
        let judge = ScriptedModel("judge") { (_, call) throws(CollabError) in
            call == 0 ? "No" : "Yes, they do."
        }
        let debate = debate(.unanimity || .judge(judge))
        let answer = try await debate.respond(to: "How is the weather?")
        #expect(answer.trace?.root.note("ended by") == "agreement in the judgement of judge, after round 1")
        #expect(judge.callCount == 2)
        #expect(judge.requests[0].question.contains("Answer 1: It is warm\n\nAnswer 2: Very hot today"))
        #expect(debate.callRange == 2...(6 + 3))
    }

    @Test("is asked only where the other rules leave the matter open")
    func lazy() async throws {
        let judge = ScriptedModel("judge", always: "yes")
        _ = try await debate(.judge(judge) && .unanimity).respond(to: "?")
        _ = try await debate(.unanimity && .judge(judge)).respond(to: "?")
        // The first rule of a pair is asked first: three times, then never.
        #expect(judge.callCount == 3)
    }

    @Test("that fails, or cannot be read, lets the talk go on")
    func goesOn() async throws {
        let broken = ScriptedModel("judge", always: "yes").alwaysFailing()
        let answer = try await debate(.judge(broken), rounds: 1).respond(to: "?")
        #expect(answer.trace?.root.note("ended by") == "1 round, after round 1")
        #expect(answer.trace?.root.note("failed")?.contains("serverError") == true)
        let vague = ScriptedModel("judge", always: "Perhaps.")
        let other = try await debate(.judge(vague), rounds: 1).respond(to: "?")
        #expect(other.trace?.root.note("ended by") == "1 round, after round 1")
    }
}

@Suite("How votes are distributed")
struct VoteDistributionTests {
    private func counts(_ histogram: [Int]) -> [Int] {
        histogram.enumerated().flatMap { Array(repeating: $0, count: $1) }
    }

    private func likelihood(_ mixture: BetaBinomialMixture, _ histogram: [Int]) -> Double {
        zip(mixture.probabilities, histogram).reduce(0) { $0 + Double($1.1) * log($1.0) }
    }

    @Test("is fitted as well as scipy's optimiser fits it")
    func fit() throws {
        // scipy 1.17.1: betabinom under L-BFGS-B from forty starts.
        let (first, second) = ([9, 14, 10, 6, 8, 13], [6, 8, 6, 7, 12, 21])
        let fitted = try BetaBinomialMixture(fitting: counts(first), of: 5)
        #expect(abs(likelihood(fitted, first) - -105.18256819718536) < 0.02)
        let expected = [0.15000048, 0.23333244, 0.16666678, 0.10000047, 0.13333301, 0.21666682]
        for (own, theirs) in zip(fitted.probabilities, expected) { #expect(abs(own - theirs) < 0.01) }
        #expect(abs(fitted.probabilities.reduce(0, +) - 1) < 1e-9)
        let other = try BetaBinomialMixture(fitting: counts(second), of: 5)
        #expect(abs(likelihood(other, second) - -100.15014365915528) < 0.02)
        #expect(abs(fitted.distance(to: other) - 0.21608318685812195) < 0.01)
        #expect(fitted.distance(to: fitted) == 0)
    }

    @Test("can end samples that are drawn one after the other")
    func sampling() async throws {
        let judge = ScriptedModel("judge", always: "Yes.").located(.remote)
        let poll = AdaptiveConsistency(samples: 9, answers: .numeric, until: .judge(judge)) {
            debater("a", "1", "2", "3")
        }
        #expect(poll.callRange == 1...18)
        #expect(poll.profile.locality != .local)
        let answer = try await poll.respond(to: "?")
        #expect(answer.usage.calls == 2 + 1)
    }

    @Test("refuses counts that cannot be")
    func refusals() {
        #expect(throws: CollabError.self) { try BetaBinomialMixture(fitting: [6], of: 5) }
        #expect(throws: CollabError.self) { try BetaBinomialMixture(fitting: [-1], of: 5) }
        #expect(throws: CollabError.self) { try BetaBinomialMixture(fitting: [], of: 5) }
        #expect(throws: CollabError.self) { try VoteStability(of: []) }
        #expect(throws: CollabError.self) { try VoteStability(of: [talk([["1"]]), talk([["1", "2"]])]) }
    }

    @Test("tells after which round talk changes nothing, and ends debates there")
    func stability() async throws {
        // The first round brings half of the teams to agree; later ones nothing.
        var talks: [Talk] = []
        for index in 0..<40 {
            let end = index % 2 == 0 ? ["1", "1", "1", "1"] : ["1", "2", "3", "3"]
            talks.append(talk([["1", "2", "3", "4"], end, end, end]))
        }
        let learned = try VoteStability(of: talks)
        #expect(learned.distances[0] > 0.3)
        #expect(learned.distances[1...].allSatisfy { $0 == 0 })
        #expect(learned.stableRound() == 3)
        #expect(learned.stableRound(for: 1) == 2)
        #expect(learned.stableRound(for: 9) == nil)
        let debate = Debate("debate", DebateRules(rounds: 5, answers: .numeric, until: .votesStable(learned)))
        {
            debater("a", "1"); debater("b", "2")
        }
        let answer = try await debate.respond(to: "?")
        #expect(
            answer.trace?.root.note("ended by") == "votes known to be stable within 0.05, after round 3"
        )
    }
}
