internal import CollabKernels

/// The weighted mean of the members: Σ wᵢ xᵢ / Σ wᵢ, or the weighted sum without the division.
///
/// M. Wortsman et al., *Model Soups: Averaging Weights of Multiple Fine-Tuned Models Improves Accuracy without
/// Increasing Inference Time*, 2022.
public struct LinearMerge: MergeMethod {
    /// The members' weights.
    public var weights: MergeParameter
    /// Whether the sum is divided by the sum of the weights.
    public var normalise: Bool

    /// Makes the method.
    public init(weights: MergeParameter = 1, normalise: Bool = true) {
        self.weights = weights
        self.normalise = normalise
    }

    /// The method's name.
    public var name: String { "linear" }
    /// There is no base.
    public var baseline: MergeBaseline { .none }

    /// Throws for a wrong number of weights, weights that are not finite, or weights that sum to 0 and are to be
    /// divided by that.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        try weights.validate("weights", memberCount: memberCount, tensor: tensor)
        if weights.constants != nil { _ = try coefficients("", memberCount) }
    }

    private func coefficients(_ tensor: String, _ memberCount: Int) throws(CollabError) -> [Double] {
        let values = weights.values(tensor: tensor, memberCount: memberCount)
        guard normalise else { return values }
        let sum = values.reduce(0, +)
        guard abs(sum) > 1e-12 else {
            throw CollabError(
                .invalidRequest,
                "The weights of a linear merge sum to 0 (\(values)) and cannot be normalised by that."
            )
        }
        return values.map { $0 / sum }
    }

    /// The rule for one tensor.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        WeightedSum(weights: try coefficients(inputs.tensor.name, inputs.members.count))
    }

    /// A mean of equal tensors is that tensor.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool {
        if normalise { return true }
        let sum = weights.values(tensor: tensor, memberCount: memberCount).reduce(0, +)
        return abs(sum - 1) < 1e-12
    }
}

/// Σ wᵢ xᵢ over the members and, with a weight of its own, the base.
struct WeightedSum: TensorMerge {
    var weights: [Double]
    var baseWeight = 0.0
    /// Even what counts 0 times: 0 · NaN is NaN.
    var showsNotFinite: Bool { true }

    func merge(_ slice: TensorSlice, into output: UnsafeMutableBufferPointer<Float>) {
        var (rows, factors) = (slice.members, weights)
        if let base = slice.base {
            rows.append(base)
            factors.append(baseWeight)
        }
        MergeArithmetic.weighted(rows, weights: factors, into: output)
    }
}

extension WeightedSum: RawTensorMerge {
    func merge(_ inputs: RawInputs, _ elements: Range<Int>, into output: RawOutput) -> Bool {
        let (members, base) = inputs.addresses(at: elements.lowerBound)
        var (rows, factors) = (members, weights)
        if let base {
            rows.append(base)
            factors.append(baseWeight)
        }
        output.setWeighted(rows, weights: factors)
        return true
    }
}

extension MergeMethod where Self == LinearMerge {
    /// The weighted mean of the members; see ``LinearMerge``.
    public static func linear(weights: MergeParameter = 1, normalise: Bool = true) -> LinearMerge {
        LinearMerge(weights: weights, normalise: normalise)
    }

    /// The mean of the members, all alike: the uniform soup of M. Wortsman et al., 2022.
    public static var uniformSoup: LinearMerge { LinearMerge() }
}
