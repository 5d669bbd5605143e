import Collab
import CollabTesting
import Testing

@Suite("A debate in a pipeline")
struct DebateStageTests {
    @Test("takes over the answers that a cascade has already been given")
    func reuse() async throws {
        let (a, b) = (
            ScriptedModel("a") { (_, call) throws(CollabError) in
                ScriptedAnswer(call == 0 ? "1" : "2", probability: 0.5)
            },
            ScriptedModel("b", always: ScriptedAnswer("2", probability: 0.6))
        )
        let pipeline = Pipeline {
            Team("t") {
                a; b
            }
            Cascade(until: .confidence(above: 0.8))
            Debate(rounds: 2, answers: .numeric)
        }
        let answer = try await pipeline.respond(to: "?")
        #expect(answer.text == "2")
        #expect((a.callCount, b.callCount) == (2, 2))
        let debate = try #require(answer.trace?["debate"])
        #expect(debate.children[0].note("taken over") == "a, b")
        #expect(debate.children[0].usage.calls == 0)
        #expect(pipeline.forecast().calls == 1...8)
    }

    @Test("asks only those members that have no draft yet")
    func partialReuse() async throws {
        let (a, b) = (debater("a", "1"), debater("b", "1"))
        let pipeline = Pipeline {
            Team("t") {
                a; b
            }
            Opinion(author: "a", text: "1")
            Debate(rounds: 2, answers: .numeric)
        }
        #expect(try await pipeline.respond(to: "?").text == "1")
        #expect((a.callCount, b.callCount) == (0, 1))
    }

    /// Adds a draft.
    struct Opinion: Stage {
        var author: String
        var text: String
        var name: String { "opinion" }
        func callRange(teamSize: Int) -> ClosedRange<Int> { 0...0 }
        func advance<Access: AccessLevel>(_ deliberation: inout Deliberation<Access>)
            async throws(CollabError)
        {
            deliberation.drafts.append(
                Draft(author: author, response: Response(text: text, model: author), origin: name)
            )
        }
    }

    @Test("settles when its members agree, and leaves the question open otherwise")
    func settling() async throws {
        func run(_ settling: Settling, _ answers: [ScriptedAnswer]) async throws -> (
            settled: Bool, leading: String?
        ) {
            let probe = Probe()
            let pipeline = Pipeline {
                Team("t") { for (index, answer) in answers.enumerated() { debater("m\(index)", answer) } }
                Debate(rounds: 1, answers: .numeric, settling: settling)
                probe
            }
            _ = try await pipeline.respond(to: "?")
            return (!probe.wasReached, probe.leading)
        }
        #expect(try await run(.onAgreement, ["1", "1"]) == (true, nil))
        #expect(try await run(.onAgreement, ["1", "2", "2"]) == (false, "m1"))
        #expect(try await run(.always, ["1", "2", "2"]) == (true, nil))
        #expect(try await run(.never, ["1", "1"]) == (false, "m0"))
        #expect(try await run(.always, ["Hm", "So"]) == (false, "m0"))
    }

    @Test("leaves every statement as a draft, with its round")
    func drafts() async throws {
        let probe = Probe()
        let pipeline = Pipeline {
            Team("t") {
                debater("a", "1", "3"); debater("b", "2")
            }
            Debate(rounds: 1, answers: .numeric)
            probe
        }
        _ = try await pipeline.respond(to: "?")
        #expect(probe.drafts.map(\.origin) == ["debate", "debate", "debate, round 1", "debate, round 1"])
        #expect(probe.drafts.map(\.text) == ["1", "2", "3", "2"])
    }

    @Test("keeps what has been paid for when the budget runs out", arguments: 1...4)
    func budget(calls: Int) async throws {
        let pipeline = Pipeline {
            Team("t") {
                debater("a", ScriptedAnswer("1", probability: 0.9)); debater("b", "2")
            }
            Debate(rounds: 2, answers: .numeric)
        }
        let answer = try await pipeline.respond(to: "?", in: Run(budget: .calls(calls)))
        #expect(answer.ending == .budgetExhausted)
        #expect(["1", "2"].contains(answer.text))
        #expect(answer.trace?.calls.count { $0.failure == nil } == calls)
    }

    @Test("can hold a pipeline, which holds a team, which holds a cascade")
    func nesting() async throws {
        let inner = Pipeline("inner") {
            Team("t") {
                Cascade("ladder", until: .confidence(above: 0.8)) {
                    debater("small", ScriptedAnswer("41", probability: 0.5))
                    debater("large", ScriptedAnswer("42", probability: 0.9))
                }
                debater("other", "42")
            }
            Debate(rounds: 1, answers: .numeric)
        }
        let outer = Cascade(
            until: .accepting("numbers") { AnswerFormat.numeric.answer(in: $0.response.text).isParsed }
        ) {
            debater("chatty", "I would rather not say")
            inner
        }
        let answer = try await outer.respond(to: "?")
        #expect(answer.text == "42")
        #expect(answer.usage.calls == 4)
        let inside = try #require(answer.trace?["inner"])
        #expect(inside.usage.calls == 3)
        #expect(inside.children.map(\.name) == ["debate"])
    }
}
