import Collab
import CollabTesting
import Testing

@Suite("Worked examples in front of a question")
struct ExamplesTests {
    private let model = ScriptedModel("model", always: "Paris")

    @Test("In a dialogue they are earlier turns, after the system message")
    func dialogue() async throws {
        let shown = model.examples(["1 + 1?": "2", "2 + 2?": "4"])
        _ = try await shown.respond(to: Request([.system("Be brief."), .user("3 + 3?")]))
        #expect(
            model.requests[0].messages == [
                .system("Be brief."), .user("1 + 1?"), .assistant("2"), .user("2 + 2?"), .assistant("4"),
                .user("3 + 3?"),
            ]
        )
    }

    @Test("Without a system message they come first")
    func withoutSystemMessage() async throws {
        _ = try await model.examples(["1 + 1?": "2"]).respond(to: "3 + 3?")
        #expect(model.requests[0].messages == [.user("1 + 1?"), .assistant("2"), .user("3 + 3?")])
    }

    @Test("In front of a text to be continued they are paragraphs")
    func completion() async throws {
        _ = try await model.examples(["1 + 1 =": "2"]).respond(to: .completion("3 + 3 ="))
        #expect(model.requests[0].input == .completion("1 + 1 =\n2\n\n3 + 3 ="))
    }

    @Test("Access is kept: a logit model with examples is a logit model")
    func access() throws {
        let writer = ScriptedLogitModel("writer", vocabulary: ["a", "b"]) { _ in ["a": 1] }
        let shown: any LogitModel = writer.examples(["a": "b"])
        #expect(try shown.promptTokens(for: "a") == [0, 1, 0])
    }
}
