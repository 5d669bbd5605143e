#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Spherical interpolation of any number of members, or of their task vectors if there is a base: a weighted mean of
/// directions on the tangent space at their mean, and a weighted mean of lengths.
///
/// With uᵢ = vᵢ / (‖vᵢ‖ + ε) and the mean direction m = Σ wᵢ uᵢ / ‖Σ wᵢ uᵢ‖, the tangents uᵢ − (uᵢ·m) m are averaged to T,
/// and the result is (m cos τ + T sin τ / τ) · Σ wᵢ ‖vᵢ‖ with τ = ‖T‖ + ε. It is one step of a barycentric mean on the
/// sphere (S. R. Buss and J. P. Fillmore, *Spherical Averages and Applications to Spherical Splines and Interpolation*,
/// 2001), as mergekit takes it. One member alone comes out as it is. Directions that cancel have no mean: two are then
/// interpolated linearly, more are an error. Unlike in mergekit, tensors that are all 0 give 0 rather than that error.
public struct MultiSLERPMerge: MergeMethod {
    /// Where task vectors are measured from; `nil`: the members themselves are interpolated.
    public var base: (any Checkpoint)?
    /// The members' weights.
    public var weights: MergeParameter
    /// Whether the weights are divided by their sum.
    public var normalise: Bool
    /// The ε that is added to lengths.
    public var epsilon: Double

    /// Makes the method.
    public init(
        base: (any Checkpoint)? = nil,
        weights: MergeParameter = 1,
        normalise: Bool = true,
        epsilon: Double = 1e-8
    ) {
        self.base = base
        self.weights = weights
        self.normalise = normalise
        self.epsilon = epsilon
    }

    /// The method's name.
    public var name: String { "multislerp" }
    /// The base, if there is one.
    public var baseline: MergeBaseline { base.map { .checkpoint($0) } ?? .none }

    /// Throws for a wrong number of weights, numbers that are not finite, an ε that is not above 0, or weights that sum
    /// to 0 and are to be divided by that.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        try weights.validate("weights", memberCount: memberCount, tensor: tensor)
        guard epsilon > 0, epsilon.isFinite else {
            throw CollabError(.invalidRequest, "The ε of multislerp must be above 0; \(epsilon) is not.")
        }
        if weights.constants != nil { _ = try normalised("", memberCount) }
    }

    private func normalised(_ tensor: String, _ memberCount: Int) throws(CollabError) -> [Double] {
        let values = weights.values(tensor: tensor, memberCount: memberCount)
        guard normalise else { return values }
        let sum = values.reduce(0, +)
        guard abs(sum) > 1e-12 else {
            throw CollabError(
                .invalidRequest,
                "The weights of multislerp sum to 0 (\(values)) and cannot be normalised by that."
            )
        }
        return values.map { $0 / sum }
    }

    /// Measures lengths and angles.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        let tensor = inputs.tensor.name
        let weights = try normalised(tensor, inputs.members.count)
        let division = VectorScope.tensor.division(of: inputs.tensor)
        var coefficients = [1.0]
        if inputs.members.count > 1 {
            let matrix = try inputs.gramMatrices(division)[0]
            guard let found = Self.coefficients(weights, matrix, epsilon: epsilon) else {
                throw CollabError(
                    .invalidRequest,
                    "The directions of “\(tensor)” cancel, so multislerp finds no mean; use other weights."
                )
            }
            coefficients = found
        }
        return VectorwiseSum(division, coefficients: [coefficients], hasBase: base != nil)
    }

    /// What the vectors are multiplied by; `nil` if more than two cancel.
    static func coefficients(_ weights: [Double], _ matrix: GramMatrix, epsilon: Double) -> [Double]? {
        let norms = (0..<matrix.count).map(matrix.norm)
        if norms.allSatisfy({ $0 == 0 }) { return weights }
        let inverse = norms.map { 1 / ($0 + epsilon) }
        let units = matrix.scaled(by: inverse)
        let length = max(0, units.product(weights, weights)).squareRoot()
        guard length >= epsilon else { return matrix.count == 2 ? weights : nil }
        // All vectors below are combinations of the unit vectors.
        let mean = weights.map { $0 / length }
        let along = units.product(weights, mean)
        let tangent = zip(weights, mean).map { $0 - along * $1 }
        let angle = max(0, units.product(tangent, tangent)).squareRoot() + epsilon
        let scale = zip(weights, norms).reduce(0) { $0 + $1.0 * $1.1 }
        return mean.indices.map { index in
            (mean[index] * cos(angle) + tangent[index] * sin(angle) / angle) * scale * inverse[index]
        }
    }

    /// Whether equal tensors stay; the weights must sum to 1 for that.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool {
        if normalise || memberCount == 1 || base != nil { return true }
        let sum = weights.values(tensor: tensor, memberCount: memberCount).reduce(0, +)
        return abs(sum - 1) < 1e-12
    }
}

extension MergeMethod where Self == MultiSLERPMerge {
    /// Spherical interpolation of any number of members; see ``MultiSLERPMerge``.
    public static func multislerp(
        base: (any Checkpoint)? = nil,
        weights: MergeParameter = 1,
        normalise: Bool = true,
        epsilon: Double = 1e-8
    ) -> MultiSLERPMerge {
        MultiSLERPMerge(base: base, weights: weights, normalise: normalise, epsilon: epsilon)
    }
}
