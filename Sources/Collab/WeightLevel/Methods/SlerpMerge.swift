internal import CollabKernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Spherical interpolation between two members, tensor by tensor: with θ the angle between a and b,
/// (sin((1 − t)θ) a + sin(tθ) b) / sin θ.
///
/// K. Shoemake, *Animating Rotation with Quaternion Curves*, 1985. Each tensor is one long vector. Vectors that are
/// parallel or opposite within |cos θ| > 0.9995 are interpolated along a line, as are those next to 0, whose angle
/// means nothing; t may lie outside of 0…1.
public struct SlerpMerge: MergeMethod {
    /// 0 gives the first member, 1 the second.
    public var t: MergeParameter

    /// Makes the method.
    public init(t: MergeParameter) { self.t = t }

    /// The method's name.
    public var name: String { "slerp" }
    /// There is no base: the first member is where t = 0.
    public var baseline: MergeBaseline { .none }

    /// Throws unless there are two members and t is a finite number.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        guard memberCount == 2 else {
            throw CollabError(
                .invalidRequest,
                "slerp interpolates between two members; there are \(memberCount)."
            )
        }
        try t.validate("values of t", memberCount: 1, tensor: tensor)
    }

    /// Measures the angle between the two tensors.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        let t = t.value(tensor: inputs.tensor.name)
        if let matrix = try RawInputs(inputs)?.gramMatrix() {
            return WeightedSum(
                weights: Self.coefficients(t: t, ab: matrix[0, 1], aa: matrix[0, 0], bb: matrix[1, 1])
            )
        }
        var (ab, aa, bb) = (0.0, 0.0, 0.0)
        try inputs.forEachSlice { (slice) throws(CollabError) in
            let sums = MergeArithmetic.products(slice.members[0], slice.members[1])
            ab += sums.ab
            aa += sums.aa
            bb += sums.bb
        }
        return WeightedSum(weights: Self.coefficients(t: t, ab: ab, aa: aa, bb: bb))
    }

    /// What the two vectors are multiplied by.
    static func coefficients(t: Double, ab: Double, aa: Double, bb: Double) -> [Double] {
        func norm(_ square: Double) -> Double {
            let norm = square.squareRoot()
            return norm > 1e-8 ? norm : 1
        }
        let cosine = ab / (norm(aa) * norm(bb))
        if abs(cosine) > 0.9995 { return [1 - t, t] }
        let angle = acos(cosine)
        let sine = sin(angle)
        return [sin((1 - t) * angle) / sine, sin(t * angle) / sine]
    }

    /// Equal tensors are parallel.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { true }
}

extension MergeMethod where Self == SlerpMerge {
    /// Spherical interpolation between two members; see ``SlerpMerge``.
    public static func slerp(t: MergeParameter) -> SlerpMerge { SlerpMerge(t: t) }
}
