/// Fisher merging: the mean of the members, every element weighed by how sure its member is of it.
///
/// M. Matena and C. Raffel, *Merging Models with Fisher-Weighted Averaging*, 2022:
/// Σ cᵢ (Fᵢ + ε) xᵢ ∕ Σ cᵢ (Fᵢ + ε), with Fᵢ the diagonal of the member's Fisher information (``ModelStatistics``). If
/// normalised, cᵢ is multiplied by (1 ∕ (‖Fᵢ‖ + ε)) ∕ Σⱼ (1 ∕ (‖Fⱼ‖ + ε)), ‖·‖ over all parameters, so that a member does
/// not outweigh the others because its gradients are large. Tensors that no member has information on get the mean by the
/// weights; one that some have and others lack is an error.
public struct FisherMerge: MergeMethod {
    /// The members' statistics, in their order.
    public var statistics: [ModelStatistics]
    /// The members' weights cᵢ.
    public var weights: MergeParameter
    /// ε.
    public var floor: Double
    /// Whether the sizes of the members' informations are made alike.
    public var normalise: Bool

    /// Makes the method.
    public init(
        statistics: [ModelStatistics],
        weights: MergeParameter = 1,
        floor: Double = 1e-6,
        normalise: Bool = true
    ) {
        self.statistics = statistics
        self.weights = weights
        self.floor = floor
        self.normalise = normalise
    }

    /// The method's name.
    public var name: String { "Fisher" }
    /// There is no base.
    public var baseline: MergeBaseline { .none }

    /// Throws unless every member has statistics with Fisher information, and for weights and an ε that make no sense.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        guard statistics.count == memberCount else {
            throw CollabError(
                .invalidRequest,
                "Fisher merging needs statistics of every member; there are \(statistics.count) for \(memberCount)."
            )
        }
        try ModelStatistics.check(.fisher, in: statistics)
        guard floor >= 0, floor.isFinite else {
            throw CollabError(.invalidRequest, "The floor of Fisher merging is 0 or more, not \(floor).")
        }
        try weights.validate("weights", memberCount: memberCount, tensor: tensor)
    }

    /// The rule for one tensor.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        let tensor = inputs.tensor.name
        let factors = try normalise ? sizes() : statistics.map { _ in 1 }
        let names = try ModelStatistics.names(of: .fisher, for: inputs.tensor, in: statistics)
        let own = weights.values(tensor: tensor, memberCount: statistics.count)
        return ImportanceMean(
            statistics: statistics,
            names: names,
            weights: zip(own, factors).map { $0 * $1 },
            floor: floor
        )
    }

    /// A mean of equal tensors is that tensor.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { true }

    /// (1 ∕ (‖Fᵢ‖ + ε)) ∕ Σⱼ (1 ∕ (‖Fⱼ‖ + ε)).
    private func sizes() throws(CollabError) -> [Double] {
        var inverses: [Double] = []
        for statistics in statistics { inverses.append(1 / (try statistics.fisherLength() + floor)) }
        let sum = inverses.reduce(0, +)
        return inverses.map { sum > 0 && sum.isFinite ? $0 / sum : 1 }
    }
}

/// Σ wᵢ (Fᵢ + ε) xᵢ ∕ Σ wᵢ (Fᵢ + ε).
private struct ImportanceMean: TensorMerge {
    var statistics: [ModelStatistics]
    /// What the members' informations are called; `nil` if there are none.
    var names: [String]?
    var weights: [Double]
    var floor: Double

    func merge(_ slice: TensorSlice, into output: UnsafeMutableBufferPointer<Float>) throws(CollabError) {
        var (sums, divisors) = (
            [Double](repeating: 0, count: output.count), [Double](repeating: 0, count: output.count)
        )
        var importance = [Float](repeating: 0, count: output.count)
        for (index, statistics) in statistics.enumerated() {
            if let names {
                importance = try statistics.fisher(names[index], elements: slice.elements)
            }
            let member = slice.members[index]
            for place in output.indices {
                let weight = weights[index] * (Double(importance[place]) + floor)
                sums[place] += weight * Double(member[place])
                divisors[place] += weight
            }
        }
        // Where nobody is sure of anything, all count alike.
        for place in output.indices {
            if divisors[place] != 0 {
                output[place] = Float(sums[place] / divisors[place])
            } else {
                let sum = slice.members.reduce(0.0) { $0 + Double($1[place]) }
                output[place] = Float(sum / Double(slice.members.count))
            }
        }
    }
}

extension MergeMethod where Self == FisherMerge {
    /// The mean of the members by their Fisher information; see ``FisherMerge``.
    public static func fisher(
        _ statistics: [ModelStatistics],
        weights: MergeParameter = 1,
        floor: Double = 1e-6,
        normalise: Bool = true
    ) -> FisherMerge {
        FisherMerge(statistics: statistics, weights: weights, floor: floor, normalise: normalise)
    }
}
