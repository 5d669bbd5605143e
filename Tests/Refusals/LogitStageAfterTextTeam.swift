// A stage that reads logits cannot follow a team of which one member only gives text.

import Collab

struct Blend: LogitStage {
    let name = "Blend"
    func callRange(teamSize: Int) -> ClosedRange<Int> { 1...1 }
    func advance<Access: LogitReadable>(_ deliberation: inout Deliberation<Access>) async throws(CollabError)
    {}
}

func mixedTeam(remote: some TextModel, native: some LogitModel) {
    // expected-error@+1 {{this stage fuses next-token logits, but at least one member of the team only gives text; use members that are all LogitModels, or a text stage such as Debate}}
    _ = Pipeline {
        Team {
            remote; native
        }
        Blend()
    }
}

func teamOfLogitModels(native: some LogitModel, other: some WeightModel) {
    _ = Pipeline {
        Team {
            native; other
        }
        Blend()
    }
}
