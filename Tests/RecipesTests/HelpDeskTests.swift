import Collab
import CollabTesting
import Recipes
import Testing

@Suite("Recipe: a help desk")
struct HelpDeskTests {
    private let desks = [
        "capitals": ["What is the capital of Spain?", "Name the capital of Norway."],
        "colours": ["What colour is the sky?", "Which colour do you get from red and blue?"],
    ]

    @Test("The desk that knows about a question answers it")
    func routing() async throws {
        let general = ScriptedModel("general", always: "I do not know.")
        let team = helpDesk(desks: desks, general: general) { desk in
            ScriptedModel(desk, always: ScriptedAnswer("The \(desk) desk at your service.", probability: 0.9))
        }
        #expect(try await team.respond(to: "What is the capital of Peru?").model == "capitals")
        #expect(try await team.respond(to: "What colour is an orange?").model == "colours")
        #expect(general.callCount == 0)
    }

    @Test("A question that fits no desk goes to the general one, and the trace says why")
    func noDesk() async throws {
        let general = ScriptedModel("general", always: "Let me think.")
        let team = helpDesk(desks: desks, general: general) { ScriptedModel($0, always: "Hm.") }
        let answer = try await team.respond(to: "Explain quantum tunnelling!")
        #expect(answer.model == "general")
        let decision = try #require(answer.trace?.nodes.flatMap(\.decisions).first)
        #expect(decision.choice == "general")
        #expect(decision.reason.contains("fell back"))
    }

    @Test("A clerk who is not sure hands over")
    func escalation() async throws {
        let general = ScriptedModel("general", always: ScriptedAnswer("Lima.", probability: 0.95))
        let team = helpDesk(desks: desks, general: general) {
            ScriptedModel($0, always: ScriptedAnswer("Quito?", probability: 0.3))
        }
        let answer = try await team.respond(to: "What is the capital of Peru?")
        #expect(answer.text == "Lima.")
        #expect(answer.trace?.calls.map(\.name) == ["capitals", "general"])
    }

    @Test("Real models at the desks")
    func recorded() async throws {
        let recorded = try await Recorded("help-desk")
        let team = helpDesk(desks: desks, general: brief(recorded.large)) { desk in
            renamed(brief(recorded.small), "small, for \(desk)")
        }
        let answer = try await team.respond(to: "What is the capital of Germany?")
        #expect(answer.text == "Berlin")
        #expect(answer.trace?.calls.first?.name == "small, for capitals")
        recorded.expectNothingLeft()
    }
}

private func renamed(_ model: some TextModel, _ name: String) -> any TextModel { model.named(name) }
