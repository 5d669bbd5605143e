/// DELLA: drop a random share of each task vector's elements, small ones rather than large ones, and rescale the rest;
/// then elect signs as in ``TIESMerge``, or add the vectors up.
///
/// P. T. Deep et al., *DELLA-Merging: Reducing Interference in Model Merging through Magnitude-Based Sampling*, 2024. In
/// each row (a tensor of one dimension is one), an element of rank r by magnitude, from 0 to 1, is kept with the
/// probability density − ε + 2 ε r. The paper divides each survivor by its probability
/// (``TaskRescaling/inverseDensity``); the default is mergekit's, one factor a tensor that keeps Σ|d|
/// (``TaskRescaling/l1``), which makes small elements smaller on average and large ones larger. A density of 1 keeps all.
/// Of equal magnitudes the lower index ranks lower; a row of one element has the rank ½. Random numbers depend on the
/// seed, the tensor's name and the member's place alone. While a tensor is merged, a bit an element and member is held
/// in memory where that is 112 MiB at most; else, and with the paper's rescaling, rows are drawn again when they are merged.
public struct DELLAMerge: MergeMethod {
    /// Where the task vectors are measured from; `nil`: the first member.
    public var base: (any Checkpoint)?
    /// The share of each task vector's elements that is kept on average.
    public var density: MergeParameter
    /// How far probabilities depart from the density.
    public var epsilon: MergeParameter
    /// The members' weights.
    public var weights: MergeParameter
    /// The factor of the merged task vector.
    public var lambda: MergeParameter
    /// Whether the sum is divided by the sum of the weights (of those that agree, where signs are elected).
    public var normalise: Bool
    /// How signs are elected; `nil`: all task vectors are added up (mergekit's `della_linear`).
    public var vote: SignVote?
    /// How dropping is made up for.
    public var rescaling: TaskRescaling
    /// Where the random numbers begin.
    public var seed: UInt64
    /// Whether what is drawn is written down.
    var masks = DrawnMasks()

    /// Makes the method.
    ///
    /// - Parameter normalise: `nil`: where signs are elected.
    public init(
        base: (any Checkpoint)? = nil,
        density: MergeParameter,
        epsilon: MergeParameter = 0.15,
        seed: UInt64,
        weights: MergeParameter = 1,
        lambda: MergeParameter = 1,
        normalise: Bool? = nil,
        vote: SignVote? = .weighted,
        rescaling: TaskRescaling = .l1
    ) {
        self.base = base
        self.density = density
        self.epsilon = epsilon
        self.seed = seed
        self.weights = weights
        self.lambda = lambda
        self.normalise = normalise ?? (vote != nil)
        self.vote = vote
        self.rescaling = rescaling
    }

    /// The method's name.
    public var name: String { vote == nil ? "DELLA-linear" : "DELLA" }
    /// The base, or the first member.
    public var baseline: MergeBaseline { MergeBaseline(base) }

    /// Throws for a wrong number of weights, densities or values of ε, numbers that are not finite, and probabilities
    /// that are not between 0 and 1.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        try weights.validate("weights", memberCount: memberCount, tensor: tensor)
        try lambda.validate("values of λ", memberCount: 1, tensor: tensor)
        try density.validateDensities(memberCount: memberCount, tensor: tensor)
        try epsilon.validate("values of ε", memberCount: memberCount, tensor: tensor)
        guard density.constants != nil, epsilon.constants != nil else { return }
        for member in 0..<memberCount { _ = try probabilities("", member) }
    }

    /// The probabilities of the lowest and the highest rank; `nil` if all is kept.
    private func probabilities(_ tensor: String, _ member: Int) throws(CollabError) -> (Double, Double)? {
        let density = density.value(tensor: tensor, member: member)
        let epsilon = epsilon.value(tensor: tensor, member: member)
        if density >= 1 { return nil }
        guard density - abs(epsilon) > 0, density + abs(epsilon) < 1 else {
            throw CollabError(
                .invalidRequest,
                """
                DELLA needs density − ε above 0 and density + ε below 1; a density of \(density) does not fit an ε \
                of \(epsilon).
                """
            )
        }
        return (density - epsilon, density + epsilon)
    }

    /// Draws what is kept.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        let tensor = inputs.tensor.name
        var rules: [Thinning.Rule] = []
        let isExact = rescaling == .inverseDensity
        let isHeld = !isExact && masks.areHeld(of: inputs.tensor, memberCount: inputs.members.count)
        for member in inputs.members.indices {
            guard let range = try probabilities(tensor, member) else {
                rules.append(.everything)
                continue
            }
            var generator = SeededGenerator(seed: seed ^ stableHash(tensor))
            generator = SeededGenerator(seed: generator.next() &+ UInt64(member))
            let draw = RankedDraw(
                inputs,
                member: member,
                probabilities: range,
                generator: generator,
                isDividing: isExact
            )
            rules.append(isHeld ? .chosen(bits: try draw.bits()) : .ranked(draw))
        }
        let thinnings = try inputs.thinnings(
            rules,
            rescaling: isExact ? .none : rescaling,
            densities: rules.map { _ in 1 }
        )
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

    /// A bit an element and member, if that is little enough.
    public func workingByteCount(of tensor: TensorDescription, memberCount: Int) -> Int {
        rescaling == .inverseDensity ? 0 : masks.byteCount(of: tensor, memberCount: memberCount)
    }
}

extension MergeMethod where Self == DELLAMerge {
    /// Drop elements at random, small ones rather than large ones; see ``DELLAMerge``.
    public static func della(
        base: (any Checkpoint)? = nil,
        density: MergeParameter,
        epsilon: MergeParameter = 0.15,
        seed: UInt64,
        weights: MergeParameter = 1,
        lambda: MergeParameter = 1,
        normalise: Bool? = nil,
        vote: SignVote? = .weighted,
        rescaling: TaskRescaling = .l1
    ) -> DELLAMerge {
        DELLAMerge(
            base: base,
            density: density,
            epsilon: epsilon,
            seed: seed,
            weights: weights,
            lambda: lambda,
            normalise: normalise,
            vote: vote,
            rescaling: rescaling
        )
    }
}
