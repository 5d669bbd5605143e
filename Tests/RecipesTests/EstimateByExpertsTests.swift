import Collab
import CollabTesting
import Recipes
import Testing

@Suite("Recipe: let experts estimate a number")
struct EstimateByExpertsTests {
    @Test("Experts hear the spread of the answers, but not who gave them, and the median is the answer")
    func median() async throws {
        let low = ScriptedModel("low", answers: ["About 30, as last year.", "Then rather 50."])
        let middle = ScriptedModel("middle", always: "I would say 60.")
        let high = ScriptedModel("high", always: "At least 90: it grows.")
        let answer = try await estimateByExperts([low, middle, high], rounds: 1).respond(
            to: "How many will come?"
        )
        #expect(answer.text == "I would say 60.")
        let told = low.requests[1].question
        #expect(told.contains("Median of the group: 60"))
        #expect(told.contains("Middle half of the group: from 45 to 75"))
        #expect(told.contains("it grows"), "whoever lies outside the middle half gives its reasons")
        #expect(!told.contains("high:"))
        #expect(!told.contains("I would say"))
        #expect(answer.usage.calls == 6)
    }

    @Test("Experts who agree are not asked again")
    func agreement() async throws {
        let experts = ["a", "b", "c"].map { ScriptedModel($0, always: "42") }
        let answer = try await estimateByExperts(experts).respond(to: "How many?")
        #expect(answer.text == "42")
        #expect(experts.map(\.callCount) == [1, 1, 1])
    }
}
