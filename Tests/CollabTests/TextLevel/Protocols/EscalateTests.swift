import Collab
import CollabTesting
import Testing

@Suite("Escalating")
struct EscalateTests {
    private func team(_ answers: [String], _ strong: ScriptedModel) -> some TextModel {
        let small = answers.enumerated().map { debater("m\($0)", ScriptedAnswer($1)) }
        return Pipeline {
            Team { small }
            Debate(DebateRules(rounds: 0, answers: .numeric, until: .votes(4)))
            Escalate(to: .model(strong), answers: .numeric)
        }
    }

    @Test(
        "asks the expert what the team has not settled, and only that",
        arguments: [
            (["1", "1", "1", "1", "2"], "1", 5), (["1", "1", "1", "2", "2"], "3", 6),
            (["1", "1", "1", "?", "?"], "3", 6),
        ]
    )
    func cascade(answers: [String], expected: String, calls: Int) async throws {
        let strong = ScriptedModel("strong", always: "3")
        let answer = try await team(answers, strong).respond(to: "How many?")
        #expect(answer.text == expected)
        #expect(answer.usage.calls == calls)
        // It sees the question alone.
        #expect(strong.requests.map(\.question) == (calls == 6 ? ["How many?"] : []))
        #expect(answer.trace?.talks.first?.outcome != nil)
    }

    @Test("takes over what a member has already said")
    func member() async throws {
        let (a, b) = (debater("a", "1"), debater("b", "2"))
        let pipeline = Pipeline {
            Team {
                a; b
            }
            Vote(VoteRules(answers: .numeric, settling: .onAgreement))
            Escalate(to: .last)
        }
        #expect(try await pipeline.respond(to: "?").text == "2")
        #expect(b.callCount == 1)
    }

    @Test("hands the expert's answer on while it is written")
    func streams() async throws {
        var pieces: [String] = []
        let strong = ScriptedModel("strong", always: "It is three.")
        for try await piece in team(["1", "2", "3", "4", "5"], strong).stream("?").text {
            pieces.append(piece)
        }
        #expect(pieces.joined() == "It is three.")
        #expect(pieces.count > 1)
    }
}
