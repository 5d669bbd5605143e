/// RegMean: the matrix whose outputs are nearest to those of all members, each on its own inputs.
///
/// X. Jin et al., *Dataless Knowledge Fusion by Merging Weights of Language Models*, 2023. With Gᵢ = XᵢᵀXᵢ ∕ n of what
/// enters the matrix (``ModelStatistics``), the merged W minimises Σ ‖Xᵢ Wᵀ − Xᵢ Wᵢᵀ‖²: Wᵀ = (Σ Gᵢ)⁻¹ Σ Gᵢ Wᵢᵀ. Elements
/// off the diagonals of the Gᵢ are multiplied by α first, which keeps the solution near the mean where there was little
/// text. Tensors that no member has a Gram matrix for get the mean of the members; one that some have and others lack is
/// an error. Directions that no text entered are solved for with
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

    /// Throws unless every member has statistics with Gram matrices, and α lies between 0 and 1.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        guard statistics.count == memberCount else {
            throw CollabError(
                .invalidRequest,
                "RegMean needs statistics of every member; there are \(statistics.count) for \(memberCount)."
            )
        }
        try ModelStatistics.check(.gram, in: statistics)
        try alpha.validate(
            "values of α",
            memberCount: 1,
            tensor: tensor,
            { $0 >= 0 && $0 <= 1 },
            "must lie between 0 and 1"
        )
    }

    /// Solves for a matrix.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        let tensor = inputs.tensor
        guard let grams = try grams(for: tensor) else {
            return WeightedSum(weights: inputs.members.map { _ in 1 / Double(inputs.members.count) })
        }
        return try inputs.wholeModel.whileAlone { () throws(CollabError) in
            RowBlocks(try RegressedMatrix(inputs, grams), of: tensor, addsBase: false)
        }
    }

    /// The members' Gram matrices for a weight, if it is a matrix and all have one.
    private func grams(for tensor: TensorDescription) throws(CollabError) -> [ReducedGram]? {
        guard tensor.shape.count == 2, tensor.elementCount > 0, !statistics.isEmpty else { return nil }
        guard let names = try ModelStatistics.names(of: .gram, for: tensor, in: statistics) else {
            return nil
        }
        let alpha = alpha.value(tensor: tensor.name)
        return zip(statistics, names).map { statistics, name in
            ReducedGram(checkpoint: statistics.tensors, name: name, order: tensor.shape[1], alpha: alpha)
        }
    }

    /// The most memory that a matrix takes: one of the order of its columns where that is not too much, and some of its rows.
    public func workingByteCount(of tensor: TensorDescription, memberCount: Int) -> Int {
        demand(of: tensor)?.memory ?? 0
    }

    /// The disk space that a matrix of the order of its columns takes where it is too large to be in memory.
    public func scratchByteCount(of tensor: TensorDescription, memberCount: Int) -> Int {
        demand(of: tensor)?.scratch ?? 0
    }

    private func demand(of tensor: TensorDescription) -> MatrixDemand? {
        guard let grams = try? grams(for: tensor), let order = grams.first?.order else { return nil }
        return RegressedMatrix.demand(rows: tensor.shape[0], columns: order)
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
