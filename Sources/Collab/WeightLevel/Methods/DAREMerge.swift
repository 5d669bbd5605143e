/// DARE: drop a random share of each task vector's elements and rescale the rest, then add the vectors up.
///
/// L. Yu et al., *Language Models are Super Mario: Absorbing Abilities from Homologous Models as a Free Lunch*, 2024.
/// Every element is kept with the probability of the density. The paper multiplies the rest by one over the density
/// (``TaskRescaling/inverseDensity``); the default here is mergekit's, which keeps each tensor's Σ|d|
/// (``TaskRescaling/l1``) and is equal to it on average. The random numbers are counted, not drawn: an element's
/// depends on the seed, the tensor's name, the member's place and the element's index alone, so a merge is the same
/// on any number of threads and however it is sliced.
public struct DAREMerge: MergeMethod {
    /// Where the task vectors are measured from; `nil`: the first member.
    public var base: (any Checkpoint)?
    /// The share of each task vector's elements that is kept: none at 0, all at 1.
    public var density: MergeParameter
    /// The members' weights.
    public var weights: MergeParameter
    /// The factor of the merged task vector.
    public var lambda: MergeParameter
    /// Whether the sum is divided by the sum of the weights (of those that agree, where signs are elected).
    public var normalise: Bool
    /// Whether signs are elected as in ``TIESMerge``, and how; `nil`: all task vectors are added up.
    public var vote: SignVote?
    /// How dropping is made up for.
    public var rescaling: TaskRescaling
    /// Where the random numbers begin.
    public var seed: UInt64
    /// Whether what is drawn is written down.
    var masks = DrawnMasks()

    /// Makes the method.
    public init(
        base: (any Checkpoint)? = nil,
        density: MergeParameter,
        seed: UInt64,
        weights: MergeParameter = 1,
        lambda: MergeParameter = 1,
        normalise: Bool = false,
        vote: SignVote? = nil,
        rescaling: TaskRescaling = .l1
    ) {
        self.base = base
        self.density = density
        self.seed = seed
        self.weights = weights
        self.lambda = lambda
        self.normalise = normalise
        self.vote = vote
        self.rescaling = rescaling
    }

    /// The method's name.
    public var name: String { vote == nil ? "DARE" : "DARE-TIES" }
    /// The base, or the first member.
    public var baseline: MergeBaseline { MergeBaseline(base) }

    /// Throws for a wrong number of weights or densities, numbers that are not finite, or densities outside of 0…1.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        try weights.validate("weights", memberCount: memberCount, tensor: tensor)
        try lambda.validate("values of λ", memberCount: 1, tensor: tensor)
        try density.validateDensities(memberCount: memberCount, tensor: tensor)
    }

    /// Measures by how much what is left must be scaled.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        let tensor = inputs.tensor.name
        var generator = SeededGenerator(seed: seed ^ stableHash(tensor))
        let key = generator.next()
        let densities = density.values(tensor: tensor, memberCount: inputs.members.count)
        let rules = densities.enumerated().map { (member, density) -> Thinning.Rule in
            density <= 0
                ? .nothing : density >= 1 ? .everything : .random(density: density, key: key, stream: member)
        }
        let thinnings = try inputs.thinnings(rules, rescaling: rescaling, densities: densities, masks: masks)
        let weights = weights.values(tensor: tensor, memberCount: inputs.members.count)
        return SparseTaskMerge(
            thinnings: thinnings,
            weights: weights,
            lambda: lambda.value(tensor: tensor),
            combination: .init(vote: vote, normalise: normalise, weights: weights)
        )
    }

    /// Where nothing differs, the task vectors are 0.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { true }

    /// A bit an element and member where weights are in bfloat16, if that is little enough.
    public func workingByteCount(of tensor: TensorDescription, memberCount: Int) -> Int {
        rescaling == .l1 && tensor.format == .bf16 ? masks.byteCount(of: tensor, memberCount: memberCount) : 0
    }
}

/// A hash of a text (FNV-1a), equal in every process.
func stableHash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

extension MergeMethod where Self == DAREMerge {
    /// Drop a random share of each task vector and rescale the rest; see ``DAREMerge``.
    public static func dare(
        base: (any Checkpoint)? = nil,
        density: MergeParameter,
        seed: UInt64,
        weights: MergeParameter = 1,
        lambda: MergeParameter = 1,
        normalise: Bool = false,
        vote: SignVote? = nil,
        rescaling: TaskRescaling = .l1
    ) -> DAREMerge {
        DAREMerge(
            base: base,
            density: density,
            seed: seed,
            weights: weights,
            lambda: lambda,
            normalise: normalise,
            vote: vote,
            rescaling: rescaling
        )
    }
}
