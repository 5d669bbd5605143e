// Fusing logits needs members that show them.

import Collab

func fusion(remote: some TextModel, native: some LogitModel) {
    // expected-error@+1 {{FuseLogits combines next-token logits, but at least one member only gives text; use members that are all LogitModels, or a text collaboration such as Debate}}
    _ = FuseLogits(.productOfExperts) {
        remote
        native
    }
}

func fusionOfLogitModels(native: some LogitModel, other: some WeightModel) {
    _ = FuseLogits(.productOfExperts) {
        native
        other
    }
    _ = native + 1.5 * (other - native)
}

func mergeOfModels(base: some WeightModel, tuned: some WeightModel) {
    _ = Pipeline {
        Team {
            base
            tuned
        }
        Merge(.taskArithmetic(weights: 0.5))
        FuseLogits(.mixture)
    }
}
