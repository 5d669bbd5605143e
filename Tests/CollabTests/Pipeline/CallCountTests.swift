import Collab
import CollabTesting
import Testing

@Suite("Forecasts of absurd plans")
struct CallCountTests {
    @Test("A plan without end is forecast as very many calls, not as a trap")
    func absurdRounds() {
        let model = ScriptedModel("model", always: "yes")
        let team = Pipeline {
            Team {
                model
                model
            }
            Debate(rounds: .max)
        }
        #expect(team.forecast().calls.upperBound > 1_000_000)
    }
}
