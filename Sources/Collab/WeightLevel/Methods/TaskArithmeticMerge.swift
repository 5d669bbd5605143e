/// A base plus weighted task vectors: b + λ Σ wᵢ (xᵢ − b), divided by Σ wᵢ if asked for.
///
/// G. Ilharco et al., *Editing Models with Task Arithmetic*, 2023. A negative weight removes what a member has
/// learned.
public struct TaskArithmeticMerge: MergeMethod {
    /// Where the task vectors are measured from; `nil`: the first member.
    public var base: (any Checkpoint)?
    /// The members' weights.
    public var weights: MergeParameter
    /// The factor of the whole sum.
    public var lambda: MergeParameter
    /// Whether the sum is divided by the sum of the weights (by 1 if that is next to 0).
    public var normalise: Bool

    /// Makes the method.
    public init(
        base: (any Checkpoint)? = nil,
        weights: MergeParameter = 1,
        lambda: MergeParameter = 1,
        normalise: Bool = false
    ) {
        self.base = base
        self.weights = weights
        self.lambda = lambda
        self.normalise = normalise
    }

    /// The method's name.
    public var name: String { "task arithmetic" }
    /// The base, or the first member.
    public var baseline: MergeBaseline { MergeBaseline(base) }

    /// Throws for a wrong number of weights, or numbers that are not finite.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        try weights.validate("weights", memberCount: memberCount, tensor: tensor)
        try lambda.validate("values of λ", memberCount: 1, tensor: tensor)
    }

    /// The rule for one tensor: b + λ Σ wᵢ (xᵢ − b) is a weighted sum of b and the xᵢ.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        let tensor = inputs.tensor.name
        let weights = weights.values(tensor: tensor, memberCount: inputs.members.count)
        let factor = lambda.value(tensor: tensor) / (normalise ? safeDivisor(weights) : 1)
        return WeightedSum(
            weights: weights.map { factor * $0 },
            baseWeight: 1 - factor * weights.reduce(0, +)
        )
    }

    /// Where nothing differs, the task vectors are 0.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { true }
}

/// The sum of weights, or 1 if it is next to 0.
func safeDivisor(_ weights: [Double]) -> Double {
    let sum = weights.reduce(0, +)
    return abs(sum) < 1e-8 ? 1 : sum
}

extension MergeMethod where Self == TaskArithmeticMerge {
    /// A base plus weighted task vectors; see ``TaskArithmeticMerge``.
    public static func taskArithmetic(
        base: (any Checkpoint)? = nil,
        weights: MergeParameter = 1,
        lambda: MergeParameter = 1,
        normalise: Bool = false
    ) -> TaskArithmeticMerge {
        TaskArithmeticMerge(base: base, weights: weights, lambda: lambda, normalise: normalise)
    }
}
