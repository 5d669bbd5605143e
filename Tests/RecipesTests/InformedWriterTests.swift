import Collab
import CollabTesting
import Recipes
import Testing

@Suite("Recipe: findings first, then one writer")
struct InformedWriterTests {
    /// Writes “old!” out of habit, and almost as often “new!” once it has read of what is new.
    private let writer = ScriptedLogitModel("writer", vocabulary: ["new", "old!", "new!"]) { text in
        if text.hasSuffix("!") { return [ScriptedLogitModel.end: 1] }
        return text.contains("new") ? ["old!": 0.55, "new!": 0.45] : ["old!": 0.9, "new!": 0.1]
    }
    private let researchers = ["a", "b"].map { ScriptedModel($0, always: "It is new") }

    @Test("Weighing “with” against “without” lets the findings prevail over habit")
    func findingsPrevail() async throws {
        // With findings 0.55 : 0.45, without 0.9 : 0.1. The fused odds of “new!” are
        // (0.45 / 0.55)^1.5 · (0.9 / 0.1)^0.5 = 0.74 · 3 > 1.
        let team = informedWriter(members: researchers, writer: writer, trust: 0.5)
        #expect(try await team.respond(to: "What is it?").text == "new!")
    }

    @Test("Without trust in the findings, habit prevails")
    func habit() async throws {
        let team = informedWriter(members: researchers, writer: writer, trust: 0)
        #expect(try await team.respond(to: "What is it?").text == "old!")
    }

    @Test("Researchers that only give text will do; each is asked once")
    func researchersAreAskedOnce() async throws {
        let answer = try await informedWriter(members: researchers, writer: writer).respond(to: "What is it?")
        #expect(researchers.map(\.callCount) == [1, 1])
        #expect(answer.trace?.calls.count == 3)
    }
}
