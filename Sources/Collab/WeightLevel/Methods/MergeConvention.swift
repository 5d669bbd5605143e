/// Whose definition of a method is meant, where several go by one name.
///
/// `Merge(.ties(.paper, base: base, density: 0.2))` sets every knob of a method as that source has it; each knob can still
/// be set by itself with the method's own initialiser.
public enum MergeConvention: String, Hashable, Sendable, Codable, CaseIterable {
    /// As mergekit 0.1.5 computes it, which is what the plain spelling without a convention means.
    case mergekit
    /// As the method's authors describe it.
    case paper
    /// As PEFT 0.21 computes it for changes of matrices.
    case peft
}

/// Of which vector the largest elements are kept.
public enum TrimScope: String, Hashable, Sendable, Codable {
    /// Of each tensor's task vector by itself.
    case tensor
    /// Of the task vector of the whole model, so that tensors which changed little may lose all of it (the TIES paper).
    case model
}

extension MergeMethod where Self == TIESMerge {
    /// Trim, elect signs, combine what agrees, by somebody's definition; see ``TIESMerge``.
    ///
    /// | | trims | votes | combines |
    /// | --- | --- | --- | --- |
    /// | ``MergeConvention/mergekit`` | each tensor | Σ w d | Σ w d ∕ Σ w |
    /// | ``MergeConvention/paper`` | the whole model | Σ d | Σ w d ∕ count |
    /// | ``MergeConvention/peft`` | each tensor | Σ d | Σ w d ∕ count |
    ///
    /// - Parameter lambda: 1 in mergekit and PEFT; the paper looks for one from 0.3 to 1 on held-out data.
    public static func ties(
        _ convention: MergeConvention,
        base: (any Checkpoint)? = nil,
        density: MergeParameter,
        weights: MergeParameter = 1,
        lambda: MergeParameter = 1
    ) -> TIESMerge {
        TIESMerge(
            base: base,
            density: density,
            weights: weights,
            lambda: lambda,
            vote: convention == .mergekit ? .weighted : .sum,
            combination: convention == .mergekit ? .weightedMean : .mean,
            scope: convention == .paper ? .model : .tensor
        )
    }
}

extension MergeMethod where Self == DAREMerge {
    /// Drop a random share of each task vector and rescale the rest, by somebody's definition; see ``DAREMerge``.
    ///
    /// mergekit multiplies what is left so that Σ|d| of the tensor stays; the paper and PEFT divide it by the density.
    public static func dare(
        _ convention: MergeConvention,
        base: (any Checkpoint)? = nil,
        density: MergeParameter,
        seed: UInt64,
        weights: MergeParameter = 1,
        lambda: MergeParameter = 1,
        vote: SignVote? = nil
    ) -> DAREMerge {
        DAREMerge(
            base: base,
            density: density,
            seed: seed,
            weights: weights,
            lambda: lambda,
            vote: vote,
            rescaling: convention == .mergekit ? .l1 : .inverseDensity
        )
    }
}

extension MergeMethod where Self == DELLAMerge {
    /// Drop small elements rather than large ones and rescale the rest, by somebody's definition; see ``DELLAMerge``.
    ///
    /// mergekit multiplies what is left by one factor a tensor; the paper divides every element by its own probability.
    /// PEFT has no DELLA; its convention is the paper's.
    public static func della(
        _ convention: MergeConvention,
        base: (any Checkpoint)? = nil,
        density: MergeParameter,
        epsilon: MergeParameter = 0.15,
        seed: UInt64,
        weights: MergeParameter = 1,
        lambda: MergeParameter = 1,
        vote: SignVote? = .weighted
    ) -> DELLAMerge {
        DELLAMerge(
            base: base,
            density: density,
            epsilon: epsilon,
            seed: seed,
            weights: weights,
            lambda: lambda,
            vote: vote,
            rescaling: convention == .mergekit ? .l1 : .inverseDensity
        )
    }
}
