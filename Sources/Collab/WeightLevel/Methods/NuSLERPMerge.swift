#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Spherical interpolation by weights: between two members, or between their task vectors if there is a base.
///
/// With t = w₂ / (w₁ + w₂) (½ if the sum is next to 0) and the angle θ between the vectors, the result is
/// [sin((1 − t) θ) v₁ + sin(t θ) v₂] / sin θ. It is ``SlerpMerge`` (K. Shoemake, *Animating Rotation with Quaternion
/// Curves*, 1985) without the rule that nearly parallel vectors are interpolated linearly; here that happens only where
/// sin²θ ≤ 1e-16. As in mergekit, the vectors keep their lengths. mergekit's `nuslerp_flatten: false` is
/// ``VectorScope/rows``, and with `nuslerp_row_wise: true` it is ``VectorScope/columns``.
public struct NuSLERPMerge: MergeMethod {
    /// Where task vectors are measured from; `nil`: the members themselves are interpolated.
    public var base: (any Checkpoint)?
    /// The members' weights.
    public var weights: MergeParameter
    /// What has an angle of its own.
    public var scope: VectorScope

    /// Makes the method.
    public init(base: (any Checkpoint)? = nil, weights: MergeParameter, scope: VectorScope = .tensor) {
        self.base = base
        self.weights = weights
        self.scope = scope
    }

    /// The method's name.
    public var name: String { "NuSLERP" }
    /// The base, if there is one.
    public var baseline: MergeBaseline { base.map { .checkpoint($0) } ?? .none }

    /// Throws unless there are two members, and for a wrong number of weights or weights that are not finite.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        guard memberCount == 2 else {
            throw CollabError(
                .invalidRequest,
                "NuSLERP interpolates between two members beside the base; there are \(memberCount)."
            )
        }
        try weights.validate("weights", memberCount: memberCount, tensor: tensor)
    }

    /// Measures the angles.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        let weights = weights.values(tensor: inputs.tensor.name, memberCount: 2)
        let sum = weights[0] + weights[1]
        let t = abs(sum) < 1e-6 ? 0.5 : weights[1] / sum
        let division = scope.division(of: inputs.tensor)
        let coefficients = try inputs.gramMatrices(division).map { Self.coefficients(t: t, $0) }
        return VectorwiseSum(division, coefficients: coefficients, hasBase: base != nil)
    }

    /// What the two vectors are multiplied by.
    static func coefficients(t: Double, _ matrix: GramMatrix) -> [Double] {
        let cosine = matrix[0, 1] / (max(matrix.norm(0), 1e-7) * max(matrix.norm(1), 1e-7))
        let angle = acos(max(-1, min(1, cosine)))
        let sine = sin(angle)
        guard sine * sine > 1e-16 else { return [1 - t, t] }
        return [sin((1 - t) * angle) / sine, sin(t * angle) / sine]
    }

    /// Equal tensors are parallel.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { true }
}

extension MergeMethod where Self == NuSLERPMerge {
    /// Spherical interpolation by weights; see ``NuSLERPMerge``.
    public static func nuslerp(
        base: (any Checkpoint)? = nil,
        weights: MergeParameter,
        scope: VectorScope = .tensor
    ) -> NuSLERPMerge {
        NuSLERPMerge(base: base, weights: weights, scope: scope)
    }
}
