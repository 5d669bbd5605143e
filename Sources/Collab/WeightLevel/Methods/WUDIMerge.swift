/// WUDI: the task vector that disturbs every member's own directions least, found by gradient descent.
///
/// R. Cheng et al., *Whoever Started the Interference Should End It: Guiding Data-Free Model Merging via Task Vectors*,
/// 2025. A layer's inputs lie near the rows of its task vector dᵢ, so the merged τ minimises
/// Σ ‖(τ − dᵢ) dᵢᵀ‖² ∕ ‖dᵢ‖², beginning at Σ dᵢ, by so many steps of Adam (β 0.9 and 0.999). The steps are part of the
/// method: the minimum itself fits the least of the directions as well. Members that did not change the matrix have no
/// say. Vectors, and matrices that are too large, get λ times the mean of the dᵢ.
public struct WUDIMerge: WholeMatrixMethod {
    /// Where the task vectors are measured from; `nil`: the first member.
    public var base: (any Checkpoint)?
    /// The factor of the merged task vector.
    public var lambda: MergeParameter
    /// How many steps of Adam.
    public var steps: Int
    /// How long a step is.
    public var rate: Double
    /// Matrices of more elements than this get the mean: 2²⁶ unless it is set, so that embeddings of large vocabularies
    /// do. A larger number costs time and, through scratch files, disk space, but hardly memory.
    public var largestMatrix = 1 << 26

    /// Makes the method.
    public init(
        base: (any Checkpoint)? = nil,
        lambda: MergeParameter = 1,
        steps: Int = 300,
        rate: Double = 1e-5
    ) {
        self.base = base
        self.lambda = lambda
        self.steps = steps
        self.rate = rate
    }

    /// The method's name.
    public var name: String { "WUDI" }
    /// The base, or the first member.
    public var baseline: MergeBaseline { MergeBaseline(base) }

    /// Throws for a λ that is not finite, a negative number of steps, and a rate that is not above 0.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        try lambda.validate("values of λ", memberCount: 1, tensor: tensor)
        guard steps >= 0, rate > 0, rate.isFinite else {
            throw CollabError(.invalidRequest, "WUDI takes 0 or more steps of a length above 0.")
        }
    }

    func change(of tasks: TaskMatrices) throws(CollabError) -> any BlockwiseMatrix {
        try DescendedTasks(tasks, steps: steps, rate: rate)
    }

    func demand(rows: Int, columns: Int, memberCount: Int) -> MatrixDemand {
        DescendedTasks.demand(rows: rows, columns: columns, memberCount: memberCount)
    }
}

extension MergeMethod where Self == WUDIMerge {
    /// The task vector that disturbs every member's directions least; see ``WUDIMerge``.
    public static func wudi(
        base: (any Checkpoint)? = nil,
        lambda: MergeParameter = 1,
        steps: Int = 300,
        rate: Double = 1e-5
    ) -> WUDIMerge {
        WUDIMerge(base: base, lambda: lambda, steps: steps, rate: rate)
    }
}
