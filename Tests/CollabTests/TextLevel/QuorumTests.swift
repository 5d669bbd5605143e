import Collab
import CollabTesting
import Foundation
import Testing

@Suite("A quorum")
struct QuorumTests {
    private let down = ScriptedModel("down") { (_, _) throws(CollabError) in
        throw CollabError(.serverError, "Down.")
    }

    /// Waits until so many calls of a run have been answered.
    private func answered(_ count: Int, in events: RunEvents) async {
        var left = count
        for await event in events {
            if case .finished = event.kind { left -= 1 }
            if left == 0 { return }
        }
    }

    /// A member that answers after so long.
    private func slow(_ name: String, _ answer: ScriptedAnswer, after delay: Duration) -> ScriptedModel {
        ScriptedModel(name) { (_, _) throws(CollabError) in
            try await Run.sleep(for: delay)
            return answer
        }
    }

    @Test("of those who answer in time calls the others off, and votes without them")
    func deadline() async throws {
        let clock = VirtualClock()
        let vote = Vote("vote", VoteRules(answers: .numeric, quorum: .majority.within(.seconds(5)))) {
            debater("a", "42")
            slow("b", "42", after: .seconds(1))
            slow("c", "41", after: .seconds(60))
        }
        let run = Run(clock: clock)
        let events = run.events
        async let answer = vote.respond(to: "?", in: run)
        await clock.waitForSleepers(3)
        clock.advance(by: .seconds(1))
        await answered(2, in: events)
        clock.advance(by: .seconds(4))
        let trace = try #require(try await answer.trace)
        #expect(trace.root.note("votes") == "42 ×2")
        #expect(trace["opening"]?.note("failed") == "c: timeout")
        #expect(clock.sleeperCount == 0)
    }

    @Test("that is not reached in time is a timeout that says so")
    func missed() async throws {
        let clock = VirtualClock()
        let debate = Debate("debate", DebateRules(quorum: .majority.within(.seconds(5)))) {
            debater("a", "42")
            slow("b", "42", after: .seconds(60))
            slow("c", "41", after: .seconds(60))
        }
        let run = Run(clock: clock)
        let events = run.events
        let task = Task { try await debate.respond(to: "?", in: run) }
        await clock.waitForSleepers(3)
        await answered(1, in: events)
        clock.advance(by: .seconds(5))
        let error = await #expect(throws: CollabError.self) { try await task.value }
        #expect(error?.code == .timeout)
        #expect(
            error?.message.contains("1 of 3 members answered; a majority within 5.0 seconds must") == true
        )
    }

    @Test("of the first success ends with it, in a procedure as well")
    func firstSuccess() async throws {
        let clock = VirtualClock()
        var delphi = Delphi()
        delphi.rules.quorum = .firstSuccess
        let panel = delphi {
            slow("a", "41", after: .seconds(60))
            down
            slow("c", "42", after: .seconds(1))
        }
        async let answer = panel.respond(to: "?", in: Run(clock: clock))
        await clock.waitForSleepers(2)
        clock.advance(by: .seconds(1))
        #expect(try await answer.text == "42")
        #expect(clock.sleeperCount == 0)
    }

    @Test("that waits is cancelled with its task")
    func cancelled() async throws {
        let clock = VirtualClock()
        let vote = Vote("vote", VoteRules(quorum: .firstSuccess.within(.seconds(5)))) {
            slow("a", "1", after: .seconds(60))
        }
        let task = Task { try await vote.respond(to: "?", in: Run(clock: clock)) }
        await clock.waitForSleepers(2)
        task.cancel()
        let error = await #expect(throws: CollabError.self) { try await task.value }
        #expect(error?.code == .cancelled)
    }

    @Test("is read from files that know nothing of patience")
    func coding() throws {
        let quorum = Quorum.atLeast(2).within(.seconds(3))
        let data = try JSONEncoder().encode(quorum)
        #expect(try JSONDecoder().decode(Quorum.self, from: data) == quorum)
        let old = Data(#"{"rule":{"majority":{}}}"#.utf8)
        #expect(try JSONDecoder().decode(Quorum.self, from: old) == .majority)
    }

    @Test("lets a member fail its turn where members alternate")
    func alternating() async throws {
        let c = debater("c", "3", "1")
        let rules = DebateRules(rounds: 6, answers: .numeric, order: .alternating)
        let debate = Debate("debate", rules) {
            debater("a", "1")
            ScriptedModel("b", answers: ["1"])
            c
        }
        let ending = try await debate.respond(to: "?").trace?.root.note("ended by")
        #expect(ending == "unanimity, after round 3")
        #expect(c.callCount == 2)
    }
}
