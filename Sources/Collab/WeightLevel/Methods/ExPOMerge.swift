/// ExPO: goes on from the base through a member and beyond it: x + α (x − b).
///
/// C. Zheng et al., *Weak-to-Strong Extrapolation Expedites Alignment*, 2024, where b is a supervised fine-tune, x the
/// model that was aligned from it, and α between 0.1 and 0.5.
public struct ExPOMerge: MergeMethod {
    /// Where the extrapolation comes from; `nil`: the first member.
    public var base: (any Checkpoint)?
    /// How far beyond the member it goes, in steps from the base to the member.
    public var alpha: MergeParameter

    /// Makes the method.
    public init(base: (any Checkpoint)? = nil, alpha: MergeParameter) {
        self.base = base
        self.alpha = alpha
    }

    /// The method's name.
    public var name: String { "ExPO" }
    /// The base, or the first member.
    public var baseline: MergeBaseline { MergeBaseline(base) }

    /// Throws unless there is one member beside the base and α is finite.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        guard memberCount == 1 else {
            throw CollabError(
                .invalidRequest,
                "ExPO extrapolates from the base through one member; there are \(memberCount)."
            )
        }
        try alpha.validate("values of α", memberCount: 1, tensor: tensor)
    }

    /// The rule for one tensor.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        let alpha = alpha.value(tensor: inputs.tensor.name)
        return WeightedSum(weights: [1 + alpha], baseWeight: -alpha)
    }

    /// Where nothing differs, there is no direction.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { true }
}

extension MergeMethod where Self == ExPOMerge {
    /// Extrapolates from the base through a member; see ``ExPOMerge``.
    public static func expo(base: (any Checkpoint)? = nil, alpha: MergeParameter) -> ExPOMerge {
        ExPOMerge(base: base, alpha: alpha)
    }
}
