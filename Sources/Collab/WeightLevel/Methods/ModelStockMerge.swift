/// Moves the mean of the members towards the base, the more the less their task vectors point the same way:
/// t · mean(xᵢ) + (1 − t) b with t = N c / (1 + (N − 1) c), where c is the mean cosine of all pairs of task vectors.
///
/// D.-H. Jang et al., *Model Stock: All We Need Is Just a Few Fine-Tuned Models*, 2024, applied once to finished models
/// as mergekit does; the paper repeats it during training. The product of two norms counts as at least 1e-6 in a cosine,
/// and t is 0 where its denominator is next to 0. Task vectors that point against one another (c < 0) give a t below 0
/// or above 1, which is not corrected.
public struct ModelStockMerge: MergeMethod {
    /// Where the task vectors are measured from; `nil`: the first member.
    public var base: (any Checkpoint)?
    /// What has a t of its own: each tensor, or each of its rows (mergekit's `filter_wise`).
    public var scope: VectorScope

    /// Makes the method.
    public init(base: (any Checkpoint)? = nil, scope: VectorScope = .tensor) {
        self.base = base
        self.scope = scope
    }

    /// The method's name.
    public var name: String { "Model Stock" }
    /// The base, or the first member.
    public var baseline: MergeBaseline { MergeBaseline(base) }

    /// Throws for fewer than two members beside the base.
    public func validate(memberCount: Int) throws(CollabError) {
        guard memberCount >= 2 else {
            throw CollabError(
                .invalidRequest,
                "Model Stock compares at least two fine-tuned models of one base; there is \(memberCount)."
            )
        }
    }

    /// Measures the angles between the task vectors.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        let division = scope.division(of: inputs.tensor)
        let coefficients = try inputs.gramMatrices(division).map { matrix in
            [Double](repeating: Self.ratio(matrix) / Double(matrix.count), count: matrix.count)
        }
        return VectorwiseSum(division, coefficients: coefficients, hasBase: true)
    }

    /// The share t of the members' mean.
    static func ratio(_ matrix: GramMatrix) -> Double {
        let count = matrix.count
        var sum = 0.0
        for row in 0..<count {
            for column in 0..<row {
                let cosine = matrix[row, column] / max(matrix.norm(row) * matrix.norm(column), 1e-6)
                sum += max(-1, min(1, cosine))
            }
        }
        let cosine = sum / Double(count * (count - 1) / 2)
        let denominator = 1 + Double(count - 1) * cosine
        return abs(denominator) < 1e-6 ? 0 : Double(count) * cosine / denominator
    }

    /// Where nothing differs, the task vectors are 0.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { true }
}

extension MergeMethod where Self == ModelStockMerge {
    /// The mean of the members, moved towards the base; see ``ModelStockMerge``.
    public static func modelStock(
        base: (any Checkpoint)? = nil,
        scope: VectorScope = .tensor
    ) -> ModelStockMerge {
        ModelStockMerge(base: base, scope: scope)
    }
}
