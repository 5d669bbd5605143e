internal import CollabKernels

/// RegMean: the matrix whose outputs are nearest to those of all members, each on its own inputs.
///
/// X. Jin et al., *Dataless Knowledge Fusion by Merging Weights of Language Models*, 2023. With Gᵢ = XᵢᵀXᵢ ∕ n of what
/// enters the matrix (``ModelStatistics``), the merged W minimises Σ ‖Xᵢ Wᵀ − Xᵢ Wᵢᵀ‖²: Wᵀ = (Σ Gᵢ)⁻¹ Σ Gᵢ Wᵢᵀ. Elements
/// off the diagonals of the Gᵢ are multiplied by α first, which keeps the solution near the mean where there was little
/// text. Tensors without Gram matrices get the mean of the members. Directions that no text entered are solved for with
/// a ridge of 10⁻⁸ of the mean diagonal, which keeps the members' mean there.
public struct RegMeanMerge: MergeMethod {
    /// The members' statistics, in their order.
    public var statistics: [ModelStatistics]
    /// α, between 0 and 1.
    public var alpha: MergeParameter

    /// Makes the method.
    public init(statistics: [ModelStatistics], alpha: MergeParameter = 0.95) {
        self.statistics = statistics
        self.alpha = alpha
    }

    /// The method's name.
    public var name: String { "RegMean" }
    /// There is no base.
    public var baseline: MergeBaseline { .none }

    /// Throws unless every member has statistics and α lies between 0 and 1.
    public func validate(memberCount: Int) throws(CollabError) {
        guard statistics.count == memberCount else {
            throw CollabError(
                .invalidRequest,
                "RegMean needs statistics of every member; there are \(statistics.count) for \(memberCount)."
            )
        }
        try alpha.validate("values of α", memberCount: 1, { $0 >= 0 && $0 <= 1 }, "must lie between 0 and 1")
    }

    /// Solves for a matrix.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        let tensor = inputs.tensor
        var grams: [DoubleMatrix] = []
        if tensor.shape.count == 2 {
            for statistics in statistics {
                guard let name = statistics.gramName(of: tensor.name) else { break }
                grams.append(try gram(name, statistics.tensors, columns: tensor.shape[1], tensor.name))
            }
        }
        guard grams.count == statistics.count, !grams.isEmpty else {
            return WeightedSum(weights: inputs.members.map { _ in 1 / Double(inputs.members.count) })
        }
        var right = DoubleMatrix(rows: tensor.shape[0], columns: tensor.shape[1])
        let ridge = Self.ridge(of: grams)
        for (index, member) in inputs.members.enumerated() {
            for diagonal in 0..<tensor.shape[1] {
                grams[index].values[diagonal * (tensor.shape[1] + 1)] += ridge
            }
            let values = try member.values(of: tensor.name)
            if inputs.requiresFinite, let bad = values.firstIndex(where: { !$0.isFinite }) {
                throw CollabError(
                    .notFinite,
                    "Element \(bad) of the tensor “\(tensor.name)” of \(member.name) is \(values[bad])."
                )
            }
            // The rows of Wᵢ Gᵢ, Gᵢ being symmetric.
            let weights = DoubleMatrix(
                rows: tensor.shape[0],
                columns: tensor.shape[1],
                values: values.map { Double($0) }
            )
            right = right + (try weights.transposed.transposed(times: grams[index]))
        }
        let sum = DoubleMatrix.sum(of: grams)
        let solution = try solved { () throws(KernelError) in
            try LinearAlgebra.solvePositiveDefinite(sum.values, right.values)
        }
        return WholeTensor(values: solution.map { Float($0) })
    }

    /// A Gram matrix with its off-diagonal elements reduced.
    private func gram(
        _ name: String,
        _ statistics: any Checkpoint,
        columns: Int,
        _ weight: String
    ) throws(CollabError) -> DoubleMatrix {
        guard statistics.description(of: name)?.shape == [columns, columns] else {
            throw CollabError(
                .tensorMismatch,
                "“\(name)” of \(statistics.name) is no Gram matrix for the \(columns) columns of “\(weight)”."
            )
        }
        let alpha = alpha.value(tensor: weight)
        var matrix = DoubleMatrix(
            rows: columns,
            columns: columns,
            values: try statistics.values(of: name).map { Double($0) }
        )
        for row in 0..<columns {
            for column in 0..<columns where column != row { matrix.values[row * columns + column] *= alpha }
        }
        return matrix
    }

    private static func ridge(of grams: [DoubleMatrix]) -> Double {
        var (sum, count) = (0.0, 0)
        for gram in grams {
            for place in stride(from: 0, to: gram.values.count, by: gram.columns + 1) {
                sum += gram.values[place]
            }
            count += gram.columns
        }
        return 1e-8 * max(sum / Double(max(1, count)), 1e-30)
    }

    /// A regression over equal matrices gives that matrix.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { true }
}

extension MergeMethod where Self == RegMeanMerge {
    /// The matrix whose outputs are nearest to all members'; see ``RegMeanMerge``.
    public static func regMean(_ statistics: [ModelStatistics], alpha: MergeParameter = 0.95) -> RegMeanMerge
    {
        RegMeanMerge(statistics: statistics, alpha: alpha)
    }
}
