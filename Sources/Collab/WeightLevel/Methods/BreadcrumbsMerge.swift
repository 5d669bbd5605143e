/// Breadcrumbs: drop each task vector's largest elements and its smallest ones, then add the vectors up, or elect signs
/// as in ``TIESMerge``.
///
/// M. Davari and E. Belilovsky, *Model Breadcrumbs: Scaling Multi-Task Model Merging with Sparse Masks*, 2023. With n
/// elements in ascending order of magnitude, ⌊density · n⌋ are kept; ⌊γ · n⌋ above them go, or as many as are left if
/// that is fewer, and all below them. As in mergekit, what goes is set by the share that is kept, where the paper sets
/// both ends. Of equal magnitudes the ones at the lowest indices count as the larger.
public struct BreadcrumbsMerge: MergeMethod {
    /// Where the task vectors are measured from; `nil`: the first member.
    public var base: (any Checkpoint)?
    /// The share of each task vector's elements that is kept.
    public var density: MergeParameter
    /// The share of each task vector's largest elements that goes.
    public var gamma: MergeParameter
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

    /// Makes the method.
    public init(
        base: (any Checkpoint)? = nil,
        density: MergeParameter,
        gamma: MergeParameter = 0.01,
        weights: MergeParameter = 1,
        lambda: MergeParameter = 1,
        normalise: Bool = false,
        vote: SignVote? = nil,
        rescaling: TaskRescaling = .none
    ) {
        self.base = base
        self.density = density
        self.gamma = gamma
        self.weights = weights
        self.lambda = lambda
        self.normalise = normalise
        self.vote = vote
        self.rescaling = rescaling
    }

    /// The method's name.
    public var name: String { vote == nil ? "breadcrumbs" : "breadcrumbs-TIES" }
    /// The base, or the first member.
    public var baseline: MergeBaseline { MergeBaseline(base) }

    /// Throws for a wrong number of weights or shares, numbers that are not finite, or shares outside of 0…1.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        try weights.validate("weights", memberCount: memberCount, tensor: tensor)
        try lambda.validate("values of λ", memberCount: 1, tensor: tensor)
        try density.validateDensities(memberCount: memberCount, tensor: tensor)
        try gamma.validate(
            "values of γ",
            memberCount: memberCount,
            tensor: tensor,
            { $0 >= 0 && $0 <= 1 },
            "must lie between 0 and 1"
        )
    }

    /// Finds out where each task vector is cut.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        let tensor = inputs.tensor.name
        let densities = density.values(tensor: tensor, memberCount: inputs.members.count)
        let gammas = gamma.values(tensor: tensor, memberCount: inputs.members.count)
        let rules = try inputs.keepBands(densities: densities, gammas: gammas)
        let thinnings = try inputs.thinnings(rules, rescaling: rescaling, densities: densities)
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
}

extension TensorInputs {
    /// Keeps a share of every member's task vector: what lies below its largest elements and above its smallest.
    func keepBands(densities: [Double], gammas: [Double]) throws(CollabError) -> [Thinning.Rule] {
        let count = tensor.elementCount
        let bands = zip(densities, gammas).map { (density, gamma) -> (kept: Int, largest: Int) in
            let kept = Int(max(0, min(1, density)) * Double(count))
            return (kept, min(Int(max(0, min(1, gamma)) * Double(count)), count - kept))
        }
        let cuts = try magnitudeCuts(
            bands.map { band in
                if band.kept == 0 || band.kept == count { return [] }
                return band.largest == 0 ? [band.kept] : [band.kept + band.largest, band.largest]
            }
        )
        return zip(bands, cuts).map { band, cuts in
            if band.kept == 0 { return .nothing }
            guard let smallest = cuts.first else { return .everything }
            return .band(atLeast: smallest, largest: cuts.count > 1 ? cuts[1] : nil)
        }
    }
}

extension SparseTaskMerge.Combination {
    /// A weighted sum, or the elected sign's; divided by the weights that take part if asked for.
    init(vote: SignVote?, normalise: Bool, weights: [Double]) {
        self =
            if let vote {
                .consensus(vote, normalise ? .weightedMean : .sum)
            } else {
                .linear(divisor: normalise ? safeDivisor(weights) : 1)
            }
    }
}

extension MergeMethod where Self == BreadcrumbsMerge {
    /// Drop the largest and the smallest elements of each task vector; see ``BreadcrumbsMerge``.
    public static func breadcrumbs(
        base: (any Checkpoint)? = nil,
        density: MergeParameter,
        gamma: MergeParameter = 0.01,
        weights: MergeParameter = 1,
        lambda: MergeParameter = 1,
        normalise: Bool = false,
        vote: SignVote? = nil,
        rescaling: TaskRescaling = .none
    ) -> BreadcrumbsMerge {
        BreadcrumbsMerge(
            base: base,
            density: density,
            gamma: gamma,
            weights: weights,
            lambda: lambda,
            normalise: normalise,
            vote: vote,
            rescaling: rescaling
        )
    }
}
