/// Iso-C and Iso-CTS: the directions of the summed task vectors, all made equally long.
///
/// D. Marczak et al., *No Task Left Behind: Isotropic Model Merging with Common and Task-Specific Subspaces*, 2025.
/// With Σ dᵢ = Σₖ σₖ uₖ vₖᵀ the change of a matrix is λ σ̄ Σₖ uₖ vₖᵀ, σ̄ being the mean of all σ. With a
/// ``commonShare`` below 1 (Iso-CTS), only that share of the directions is common: what is left of each dᵢ beside those
/// gives the others, an equal number each, and all are turned as little as possible to stand at right angles. Vectors,
/// and matrices that are too large, get λ times the mean of the dᵢ.
public struct IsotropicMerge: WholeMatrixMethod {
    /// Where the task vectors are measured from; `nil`: the first member.
    public var base: (any Checkpoint)?
    /// The factor of the merged task vector.
    public var lambda: MergeParameter
    /// The share of a matrix's directions that all members share; 1 for Iso-C.
    public var commonShare: Double
    /// Matrices of more elements than this get the mean: 2²⁶, so that embeddings of large vocabularies do.
    public var largestMatrix = 1 << 26

    /// Makes the method.
    public init(base: (any Checkpoint)? = nil, lambda: MergeParameter = 1, commonShare: Double = 1) {
        self.base = base
        self.lambda = lambda
        self.commonShare = commonShare
    }

    /// The method's name.
    public var name: String { commonShare < 1 ? "Iso-CTS" : "Iso-C" }
    /// The base, or the first member.
    public var baseline: MergeBaseline { MergeBaseline(base) }

    /// Throws for a λ that is not finite and a share that is not within 0…1.
    public func validate(memberCount: Int) throws(CollabError) {
        try lambda.validate("values of λ", memberCount: 1)
        guard commonShare >= 0, commonShare <= 1 else {
            throw CollabError(
                .invalidRequest,
                "The share of common directions lies between 0 and 1; \(commonShare) does not."
            )
        }
    }

    func change(of tasks: TaskMatrices) throws(CollabError) -> DoubleMatrix {
        let rank = min(tasks.rows, tasks.columns)
        let common = try SingularDirections(of: tasks.sum())
        if commonShare >= 1 {
            let mean = common.values.reduce(0, +) / Double(rank)
            return try common.product(values: common.values.map { _ in mean })
        }
        // What the members do not share is divided evenly.
        let rest = rank - Int(Double(rank) * commonShare)
        let each = Int((Double(rest) / Double(tasks.count)).rounded(.toNearestOrEven))
        let shared = common.prefix(max(0, rank - each * tasks.count))
        var parts: [SingularDirections] = []
        for member in 0..<tasks.count {
            let task = try tasks.matrix(member)
            // d − U Uᵀ d: what lies beside the common directions.
            let projected = try shared.left.transposed(times: shared.left.transposed.transposed(times: task))
            parts.append(try SingularDirections(of: task - projected).prefix(each))
        }
        let all = SingularDirections.joined(parts + [shared])
        let mean = all.values.reduce(0, +) / Double(max(rank, each * tasks.count))
        return try all.orthogonalised().product(values: all.values.map { _ in mean })
    }
}

extension MergeMethod where Self == IsotropicMerge {
    /// The directions of the summed task vectors, equally long; see ``IsotropicMerge``.
    public static func isoC(base: (any Checkpoint)? = nil, lambda: MergeParameter = 1) -> IsotropicMerge {
        IsotropicMerge(base: base, lambda: lambda)
    }

    /// Common directions and each member's own, equally long; see ``IsotropicMerge``.
    public static func isoCTS(
        base: (any Checkpoint)? = nil,
        lambda: MergeParameter = 1,
        commonShare: Double = 0.8
    ) -> IsotropicMerge {
        IsotropicMerge(base: base, lambda: lambda, commonShare: commonShare)
    }
}
