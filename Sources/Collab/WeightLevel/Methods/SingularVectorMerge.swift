/// TSV-M: the leading singular directions of every task vector, turned so that they do not interfere.
///
/// A. Gargiulo et al., *Task Singular Vectors: Reducing Task Interference in Model Merging*, 2025. Of each member's matrix
/// dᵢ the first ⌊r / N⌋ of its r singular directions are kept, for N members; all left ones together are replaced by the
/// nearest orthonormal set, and all right ones, and the change is λ Û Σ V̂ᵀ. Directions that are rounding errors (σ below
/// 10⁻⁶ of the largest, as in the change of a low-rank adapter) take no part, where the authors' code turns the others
/// away from them. Vectors, and matrices that are too large, get λ times the mean of the dᵢ.
public struct SingularVectorMerge: WholeMatrixMethod {
    /// Where the task vectors are measured from; `nil`: the first member.
    public var base: (any Checkpoint)?
    /// The factor of the merged task vector.
    public var lambda: MergeParameter
    /// Matrices of more elements than this get the mean: 2²⁶ unless it is set, so that embeddings of large vocabularies
    /// do. A larger number costs time and, through scratch files, disk space, but hardly memory.
    public var largestMatrix = 1 << 26

    /// Makes the method.
    public init(base: (any Checkpoint)? = nil, lambda: MergeParameter = 1) {
        self.base = base
        self.lambda = lambda
    }

    /// The method's name.
    public var name: String { "TSV-M" }
    /// The base, or the first member.
    public var baseline: MergeBaseline { MergeBaseline(base) }

    func change(of tasks: TaskMatrices) throws(CollabError) -> any BlockwiseMatrix {
        let each = tasks.width / tasks.count
        let kept = TaskDirections.byteCount(rows: tasks.rows, columns: tasks.columns)
        if kept > tasks.space.mostBytes {
            var directions = try StoredDirections(tasks, capacity: each * tasks.count, tasks.space)
            for member in tasks.everyone { try directions.add(of: [member], count: each) }
            return try directions.orthogonalised(weights: directions.lengths)
        }
        var directions = TaskDirections(tasks, capacity: each * tasks.count)
        for member in tasks.everyone { try directions.add(of: [member], count: each) }
        return try directions.orthogonalised(weights: directions.lengths)
    }

    func demand(rows: Int, columns: Int, memberCount: Int) -> MatrixDemand {
        MatrixDemand(
            rows: rows,
            columns: columns,
            kept: TaskDirections.byteCount(rows: rows, columns: columns),
            scratch: StoredDirections.scratchByteCount(rows: rows, columns: columns)
        )
    }
}

extension MergeMethod where Self == SingularVectorMerge {
    /// The leading singular directions of every task vector; see ``SingularVectorMerge``.
    public static func tsvM(base: (any Checkpoint)? = nil, lambda: MergeParameter = 1) -> SingularVectorMerge
    {
        SingularVectorMerge(base: base, lambda: lambda)
    }
}
