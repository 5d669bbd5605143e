internal import CollabKernels

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
    /// Matrices of more elements than this get the mean: 2²⁶ unless it is set, so that embeddings of large vocabularies
    /// do. A larger number costs time and, through scratch files, disk space, but hardly memory.
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
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        try lambda.validate("values of λ", memberCount: 1, tensor: tensor)
        guard commonShare >= 0, commonShare <= 1 else {
            throw CollabError(
                .invalidRequest,
                "The share of common directions lies between 0 and 1; \(commonShare) does not."
            )
        }
    }

    func change(of tasks: TaskMatrices) throws(CollabError) -> any BlockwiseMatrix {
        let isKept =
            keptByteCount(rows: tasks.rows, columns: tasks.columns) <= tasks.space.mostBytes
        if commonShare < 1 {
            return isKept ? try changeBesideCommon(of: tasks) : try storedChangeBesideCommon(of: tasks)
        }
        return isKept ? try projection(of: tasks) : try storedProjection(of: tasks)
    }

    /// σ̄ Σₖ uₖ vₖᵀ in scratch files.
    private func storedProjection(of tasks: TaskMatrices) throws(CollabError) -> StoredProduct {
        let space = tasks.space
        let sum = try StoredMatrix(rows: max(tasks.rows, tasks.columns), columns: tasks.width)
        try tasks.store(tasks.everyone, in: sum)
        let found = try StoredEigenvectors(
            largest: tasks.width,
            using: sum.rowSquares(isUpper: true, stripElements: space.stripElements),
            space: space
        )
        return StoredProduct(
            left: sum,
            right: try found.vectors.rowSquares(
                weights: Self.projectionWeights(found.values),
                isUpper: false,
                stripElements: space.stripElements
            ),
            count: tasks.width,
            isWide: tasks.isWide,
            rowsAtOnce: space.blockLength(rows: tasks.rows, columns: tasks.columns)
        )
    }

    /// σ̄ ∕ σₖ, or 0 for directions that are rounding errors.
    private static func projectionWeights(_ squares: [Double]) -> [Double] {
        let limit = TaskDirections.tolerance * TaskDirections.tolerance * max(0, squares.first ?? 0)
        let lengths = squares.map { $0 > limit ? $0.squareRoot() : 0 }
        let mean = lengths.reduce(0, +) / Double(squares.count)
        return lengths.map { $0 > 0 ? mean / $0 : 0 }
    }

    /// σ̄ Σₖ uₖ vₖᵀ = D · σ̄ Σₖ vₖ vₖᵀ ∕ σₖ for the sum D of the task vectors.
    private func projection(of tasks: TaskMatrices) throws(CollabError) -> ProjectedTasks {
        var gram = try tasks.gram(of: tasks.everyone)
        var (squares, vectors) = try gram.takeLargestEigenvectors(tasks.width)
        vectors.scale(rows: Self.projectionWeights(squares).map { $0.squareRoot() })
        var projection = DoubleMatrix(rows: tasks.width, columns: tasks.width)
        try projection.addSquare(of: vectors.factor.transposed)
        projection.mirror()
        return ProjectedTasks(tasks: tasks, projection: projection)
    }

    /// How many directions all members share, and how many are of each one.
    private func shares(of tasks: TaskMatrices) -> (common: Int, each: Int) {
        let rank = tasks.width
        // What the members do not share is divided evenly.
        let rest = rank - Int(Double(rank) * commonShare)
        let each = Int((Double(rest) / Double(tasks.count)).rounded(.toNearestOrEven))
        return (max(0, rank - each * tasks.count), each)
    }

    private func changeBesideCommon(of tasks: TaskMatrices) throws(CollabError) -> TurnedTasks {
        let (shared, each) = shares(of: tasks)
        var directions = TaskDirections(tasks, capacity: shared + each * tasks.count)
        try directions.add(of: tasks.everyone, count: shared)
        for member in tasks.everyone { try directions.add(beside: member, count: each) }
        let mean = directions.lengths.reduce(0, +) / Double(max(tasks.width, each * tasks.count))
        return try directions.orthogonalised(weights: directions.lengths.map { _ in mean })
    }

    private func storedChangeBesideCommon(of tasks: TaskMatrices) throws(CollabError) -> StoredProduct {
        let (shared, each) = shares(of: tasks)
        var directions = try StoredDirections(tasks, capacity: shared + each * tasks.count, tasks.space)
        try directions.add(of: tasks.everyone, count: shared)
        for member in tasks.everyone { try directions.add(of: [member], count: each, besideCommon: true) }
        let mean = directions.lengths.reduce(0, +) / Double(max(tasks.width, each * tasks.count))
        return try directions.orthogonalised(weights: directions.lengths.map { _ in mean })
    }

    private func keptByteCount(rows: Int, columns: Int) -> Int {
        if commonShare < 1 { return TaskDirections.byteCount(rows: rows, columns: columns) }
        // The Gram matrix and what its eigenvectors are found in, which is no less than those and the projection.
        let preparing = EigenvectorSpace(order: min(rows, columns)).byteCount
        return TaskMatrices.byteCount(rows: rows, columns: columns, preparing: preparing, computing: 1)
    }

    func demand(rows: Int, columns: Int, memberCount: Int) -> MatrixDemand {
        let width = min(rows, columns)
        return MatrixDemand(
            rows: rows,
            columns: columns,
            kept: keptByteCount(rows: rows, columns: columns),
            scratch: commonShare < 1
                ? StoredDirections.scratchByteCount(rows: rows, columns: columns)
                : 8 * (rows * columns + 3 * width * width)
        )
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
