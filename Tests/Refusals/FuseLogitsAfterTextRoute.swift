// FuseLogits cannot follow a route one of whose teams only gives text, however strong the others are.

import Collab

func mixedRoute(remote: some TextModel, native: some LogitModel, other: some LogitModel) {
    // expected-error@+1 {{this stage fuses next-token logits, but at least one member of the team only gives text; use members that are all LogitModels, or a text stage such as Debate}}
    _ = Pipeline {
        Route(choosing: { _ in "mixed" }) {
            Team("strong") {
                native; other
            }
            Team("mixed") {
                native; remote
            }
        }
        Cascade(until: .confidence(above: 0.8))
        Debate(rounds: 2)
        FuseLogits(.productOfExperts)
    }
}

func strongRoute(native: some LogitModel, other: some LogitModel) {
    _ = Pipeline {
        Route(choosing: { _ in "both" }) {
            Team("both") {
                native.system("Be brief."); other.named("other")
            }
            native
        }
        Cascade(until: .confidence(above: 0.8))
        Debate(rounds: 2)
        FuseLogits(.productOfExperts)
    }
}
