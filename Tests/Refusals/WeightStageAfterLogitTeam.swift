// A stage that merges weights cannot follow a team of which one member does not give its weights.

import Collab

struct Average: WeightStage {
    let name = "Average"
    func callRange(teamSize: Int) -> ClosedRange<Int> { 1...1 }
    func advance(_ deliberation: inout Deliberation<WeightAccess>) async throws(CollabError) {}
}

func mixedTeam(native: some LogitModel, mergeable: some WeightModel) {
    // expected-error@+1 {{this stage merges weights, but at least one member of the team does not give its weights; use members that are all WeightModels, or a logit stage such as FuseLogits}}
    _ = Pipeline {
        Team {
            native; mergeable
        }
        Average()
    }
}

func teamOfWeightModels(one: some WeightModel, other: some WeightModel) {
    _ = Pipeline {
        Team {
            one; other
        }
        Average()
    }
}
