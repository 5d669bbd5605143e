import Collab
import CollabTesting
import Recipes
import Testing

@Suite("Recipe: accept the small model's answers as far as they can be trusted")
struct PromisedQualityTests {
    /// The small model is right 24 times in 25 above a confidence of 0.8, and never below.
    private let outcomes = (0..<2000).map { index in
        let confidence = Double(index) / 2000
        return ScoredOutcome(score: confidence, wasRight: confidence > 0.8 && index % 25 != 0)
    }

    @Test(
        "Sure answers are accepted, others go to the large model",
        arguments: [(0.95, "small"), (0.6, "large")]
    )
    func accepts(confidence: Double, author: String) async throws {
        let team = try promisedQuality(
            small: ScriptedModel("small", always: ScriptedAnswer("41", probability: confidence)),
            large: ScriptedModel("large", always: "42"),
            learnedFrom: outcomes
        )
        #expect(try await team.respond(to: "What is 17 + 25?").model == author)
    }

    @Test("A small model that is never right is never believed")
    func never() async throws {
        let team = try promisedQuality(
            small: ScriptedModel("small", always: ScriptedAnswer("41", probability: 0.999)),
            large: ScriptedModel("large", always: "42"),
            learnedFrom: outcomes.map { ScoredOutcome(score: $0.score, wasRight: false) }
        )
        #expect(try await team.respond(to: "What is 17 + 25?").text == "42")
    }
}
