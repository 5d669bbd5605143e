import Collab
import CollabTesting
import Recipes
import Testing

@Suite("Recipe: put a question to a panel")
struct PanelVerdictTests {
    @Test("A panel that agrees at once does not talk")
    func agreement() async throws {
        let members = ["a", "b", "c"].map { ScriptedModel($0, always: "Yes, it is.") }
        let verdict = try await panelVerdict(members).respond(to: "Is the sun a star?")
        #expect(verdict.text == "Yes, it is.")
        #expect(members.map(\.callCount) == [1, 1, 1])
        #expect(verdict.trace?["panel"]?.note("ended by")?.contains("unanimity") == true)
    }

    @Test("A panel that differs hears each other once, and the majority decides")
    func majority() async throws {
        let convinced = ScriptedModel("convinced", answers: ["No.", "Yes, I was wrong."])
        let sure = ScriptedModel("sure", always: "Yes.")
        let stubborn = ScriptedModel("stubborn", always: "No.")
        let verdict = try await panelVerdict([convinced, sure, stubborn]).respond(to: "Is water wet?")
        #expect(verdict.text.hasPrefix("Yes"))
        #expect(convinced.callCount == 2, "one round follows the opening one")
        #expect(
            convinced.requests[1].question.contains("Yes."),
            "a member is shown the answers that differ from its own"
        )
    }

    @Test("What is neither yes nor no is no vote")
    func unparsed() async throws {
        let members: [any TextModel] = [
            ScriptedModel("poet", always: "The moon knows."),
            ScriptedModel("dreamer", always: "Perhaps some day."),
            ScriptedModel("judge", always: "No."),
        ]
        #expect(try await panelVerdict(members).respond(to: "Will it rain?").text == "No.")
    }

    @Test("Two real models of this size agree on a wrong answer: agreement is no proof")
    func recorded() async throws {
        let recorded = try await Recorded("panel")
        let form: KeyValuePairs = [
            "Is grass green?": "Yes.", "Is Rome the capital of Spain?": "No.", "Can fish swim?": "Yes.",
            "Is snow warm?": "No.",
        ]
        func member(_ model: some TextModel) -> any TextModel {
            model.examples(form).options {
                $0.maximumTokens = 6; $0.stopSequences = ["\n"]
            }
        }
        let panel = panelVerdict([member(recorded.small), member(recorded.large)])
        let verdict = try await panel.respond(to: "Is Paris the capital of France?")
        #expect(verdict.text == "No.")
        recorded.expectNothingLeft()
    }
}
