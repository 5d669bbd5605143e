import Collab
import CollabTesting
import Testing

@Suite("A verdict that begins with yes or no")
struct VerdictTests {
    /// Objections that name the right answer, which is yes.
    static let objections = [
        "No. The answer is yes.", "No, that is wrong.\nAnswer: yes", "**No**: the correct answer is true.",
    ]

    @Test("is no acceptance by a verifier where it goes on to name another answer", arguments: objections)
    func verifier(objection: String) async throws {
        let author = debater("a", "The answer is no.", "The answer is yes.")
        let panel = VerifierLoop(attempts: 2, answers: .yesNo) {
            author
            debater("b", ScriptedAnswer(objection), "Yes.")
        }
        #expect(try await panel.respond(to: "Is 7 prime?").text == "The answer is yes.")
        #expect(author.callCount == 2)
    }

    @Test("is no contentment of a critic, either", arguments: objections)
    func critic(objection: String) async throws {
        let panel = Refine(rounds: 1, critic: .last, answers: .yesNo) {
            debater("a", "The answer is no.", "The answer is yes.")
            debater("b", ScriptedAnswer(objection))
        }
        #expect(try await panel.respond(to: "Is 7 prime?").text == "The answer is yes.")
    }

    @Test("is no consent to a draft, either", arguments: objections)
    func consent(objection: String) async throws {
        let panel = ConsensusConference(drafts: 1, answers: .yesNo) {
            debater("a", "no", "No, it is not.")
            debater("b", "yes", ScriptedAnswer(objection))
            debater("c", "yes", "Yes.")
        }
        let answer = try await panel.respond(to: "Is 7 prime?")
        #expect(answer.text == "yes")
        #expect(answer.trace?.root.note("consent") == "1 consent, 1 object")
    }

    @Test("lets a moderator see clearly that the answer is no")
    func moderator() async throws {
        let con = debater("b", "I say no.\nno")
        let panel = ModeratedDebate(rounds: 2, answers: .yesNo) {
            debater("a", "yes")
            con
            debater("m", "Yes. The correct answer is no.")
        }
        let answer = try await panel.respond(to: "Is 9 prime?")
        #expect(answer.text == "I say no.\nno")
        #expect(answer.usage.calls == 3)
    }

    @Test("says nothing by itself where a moderator has to give the answer, too")
    func bareVerdict() async throws {
        let panel = ModeratedDebate(rounds: 1) {
            debater("a", "Paris")
            debater("b", "Lyon")
            debater("m", "Yes.", "Paris, Lyon", "Paris")
        }
        #expect(try await panel.respond(to: "Which city?").text == "Paris")
    }

    @Test("is taken from what a moderator's free words say behind it")
    func freeText() async throws {
        let panel = ModeratedDebate(rounds: 1) {
            debater("a", "Paris")
            debater("b", "Lyon")
            debater("m", "Yes: Lyon!")
        }
        let answer = try await panel.respond(to: "Which city?")
        #expect((answer.text, answer.usage.calls) == ("Lyon", 3))
    }

    @Test("may stand at the end where the beginning is none")
    func atTheEnd() async throws {
        let panel = VerifierLoop(attempts: 2, answers: .numeric) {
            debater("a", "41", "42")
            debater("b", "Let me see: 17 + 25 is 42.\nSo no.", "I added it up again.\nYes.")
        }
        #expect(try await panel.respond(to: "What is 17 + 25?").text == "42")
    }
}
