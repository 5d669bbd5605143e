import Collab
import CollabBackends
import Recipes
import Testing

@Suite("Recipe: ask the large model only when the small one is not sure")
struct FrugalAnswersTests {
    @Test("A question that the small model is sure of costs one call")
    func easy() async throws {
        let recorded = try await Recorded("frugal-easy")
        let team = frugalAnswers(small: brief(recorded.small), large: brief(recorded.large))
        let answer = try await team.respond(to: "What is the capital of France?")
        #expect(answer.text == "Paris")
        #expect(answer.trace?.calls.map(\.name) == ["small"])
        recorded.expectNothingLeft()
    }

    @Test("A question that it is not sure of goes to the large one, whose answer is taken")
    func hard() async throws {
        let recorded = try await Recorded("frugal-hard")
        let team = frugalAnswers(small: brief(recorded.small), large: brief(recorded.large))
        let answer = try await team.respond(to: "What is the largest ocean on Earth?")
        #expect(answer.trace?.calls.map(\.name) == ["small", "large"])
        #expect(answer.model == "large")
        #expect(answer.text.contains("Pacific"))
        recorded.expectNothingLeft()
    }

    @Test("When the budget allows one call, the small model's answer is returned, marked")
    func budget() async throws {
        let recorded = try await Recorded("frugal-budget")
        let team = frugalAnswers(small: brief(recorded.small), large: brief(recorded.large))
        let run = Run(budget: .calls(1))
        let answer = try await team.respond(to: Request("What is the largest ocean on Earth?"), in: run)
        #expect(answer.model == "small")
        #expect(answer.ending == .budgetExhausted)
    }
}
