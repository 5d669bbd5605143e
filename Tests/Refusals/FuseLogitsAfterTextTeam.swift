// Fusing next-token logits needs a team whose members all show them.

import Collab

func remoteMember(remote: some TextModel, native: some LogitModel) {
    // expected-error@+1 {{this stage fuses next-token logits, but at least one member of the team only gives text; use members that are all LogitModels, or a text stage such as Debate}}
    _ = Pipeline {
        Team {
            remote
            native
        }
        Cascade(until: .confidence(above: 0.8))
        FuseLogits(.productOfExperts)
    }
}

func nativeMembers(native: some LogitModel, other: some LogitModel) {
    _ = Pipeline {
        Team {
            native
            other
        }
        Cascade(until: .confidence(above: 0.8))
        FuseLogits(.productOfExperts)
    }
}
