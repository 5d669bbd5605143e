/// TIES: trim each task vector to its largest elements, elect a sign for every element, and combine the vectors that
/// agree with it.
///
/// P. Yadav et al., *TIES-Merging: Resolving Interference When Merging Models*, 2023. Four definitions go by this
/// name, so what differs has a knob, and the defaults are those of mergekit: each tensor is trimmed by itself to
/// exactly ⌊density · n⌋ elements (at least one), the vote is weighted, and the result is b + λ Σ w d / Σ w over the
/// members that agree. ``MergeConvention`` names the others: the paper trims the whole model at once
/// (``TrimScope/model``) and has ``SignVote/sum``, ``SignCombination/mean`` and λ = 0.3…1, PEFT ``SignVote/sum`` and
/// ``SignCombination/mean``. Of equal magnitudes the ones at the lowest indices are kept, a sum of 0 elects the
/// positive sign, and elements that were trimmed have no vote and no share in a mean.
public struct TIESMerge: MergeMethod {
    /// Where the task vectors are measured from; `nil`: the first member.
    public var base: (any Checkpoint)?
    /// The share of each task vector's elements that is kept: none at 0, all at 1.
    public var density: MergeParameter
    /// The members' weights.
    public var weights: MergeParameter
    /// The factor of the merged task vector.
    public var lambda: MergeParameter
    /// How signs are elected.
    public var vote: SignVote
    /// How the task vectors that agree are combined.
    public var combination: SignCombination
    /// Whether trimming is made up for.
    public var rescaling: TaskRescaling
    /// Of which vector the largest elements are kept.
    public var scope: TrimScope

    /// Makes the method.
    public init(
        base: (any Checkpoint)? = nil,
        density: MergeParameter,
        weights: MergeParameter = 1,
        lambda: MergeParameter = 1,
        vote: SignVote = .weighted,
        combination: SignCombination = .weightedMean,
        rescaling: TaskRescaling = .none,
        scope: TrimScope = .tensor
    ) {
        self.base = base
        self.density = density
        self.weights = weights
        self.lambda = lambda
        self.vote = vote
        self.combination = combination
        self.rescaling = rescaling
        self.scope = scope
    }

    /// The method's name.
    public var name: String { "TIES" }
    /// The base, or the first member.
    public var baseline: MergeBaseline { MergeBaseline(base) }

    /// Throws for a wrong number of weights or densities, numbers that are not finite, or densities outside of 0…1.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        try weights.validate("weights", memberCount: memberCount, tensor: tensor)
        try lambda.validate("values of λ", memberCount: 1, tensor: tensor)
        try density.validateDensities(memberCount: memberCount, tensor: tensor)
    }

    /// Finds out where each task vector is cut.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        let tensor = inputs.tensor.name
        let densities = density.values(tensor: tensor, memberCount: inputs.members.count)
        let rules =
            switch scope {
            case .tensor: try inputs.keepLargest(densities: densities)
            case .model: try inputs.wholeModel.trimming(inputs, to: densities)
            }
        let thinnings = try inputs.thinnings(rules, rescaling: rescaling, densities: densities)
        return SparseTaskMerge(
            thinnings: thinnings,
            weights: weights.values(tensor: tensor, memberCount: inputs.members.count),
            lambda: lambda.value(tensor: tensor),
            combination: .consensus(vote, combination)
        )
    }

    /// Where nothing differs, the task vectors are 0.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { true }
}

extension MergeParameter {
    /// Throws unless densities that are known in advance lie between 0 and 1.
    func validateDensities(memberCount: Int, tensor: String?) throws(CollabError) {
        try validate(
            "densities",
            memberCount: memberCount,
            tensor: tensor,
            { $0 >= 0 && $0 <= 1 },
            "must lie between 0 and 1"
        )
    }
}

extension MergeMethod where Self == TIESMerge {
    /// Trim, elect signs, combine what agrees; see ``TIESMerge``.
    public static func ties(
        base: (any Checkpoint)? = nil,
        density: MergeParameter,
        weights: MergeParameter = 1,
        lambda: MergeParameter = 1,
        vote: SignVote = .weighted,
        combination: SignCombination = .weightedMean,
        rescaling: TaskRescaling = .none,
        scope: TrimScope = .tensor
    ) -> TIESMerge {
        TIESMerge(
            base: base,
            density: density,
            weights: weights,
            lambda: lambda,
            vote: vote,
            combination: combination,
            rescaling: rescaling,
            scope: scope
        )
    }
}
