import Collab
import CollabTesting
import Testing

@Suite("Common prompts")
struct CommonPromptsTests {
    private func hold(_ request: Request, visibility: Visibility = .previousRound) async throws
        -> [ScriptedModel]
    {
        let members = [debater("a", "It is 1"), debater("b", "I say 2"), debater("c", "No, 3")]
        let rules = DebateRules(rounds: 1, answers: .numeric, visibility: visibility, prompts: .common())
        let debate = Debate("debate", rules) { for member in members { member } }
        _ = try await debate.respond(to: request)
        return members
    }

    @Test("begin alike for all members, and tell each at the end which answer was its own")
    func begin() async throws {
        let members = try await hold("What is it?")
        let prompts = members.map { $0.requests[1].question }
        #expect(
            prompts[1] == """
                What is it?

                Answers to this question, some of which may be wrong:
                Answer 1: It is 1
                Answer 2: I say 2
                Answer 3: No, 3

                Answer 2 was yours. Check it against the others and give your final answer.
                """
        )
        let beginnings = prompts.map { $0.split(separator: "\n\n").dropLast().joined(separator: "\n\n") }
        #expect(Set(beginnings).count == 1)
        // One turn, so that nothing of the member's own stands before the rest.
        #expect(members.allSatisfy { $0.requests[1].messages.map(\.role) == [.user] })
    }

    @Test("leave a text to be continued at the end")
    func completion() async throws {
        let members = try await hold(.completion("Q: What is it?\nA:"))
        let texts = members.map { $0.requests[1].question }
        #expect(Set(texts).count == 1)
        #expect(texts[0].hasSuffix("Answer 3: No, 3\n\nQ: What is it?\nA:"))
    }
}
