#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The Karcher mean of the members: the direction with the least sum of squared angles to theirs, times the mean of
/// their lengths.
///
/// H. Karcher, *Riemannian Center of Mass and Mollifier Smoothing*, 1977. From the normalised mean of the unit vectors uᵢ,
/// each step goes along T = Σ θᵢ / sin θᵢ (uᵢ − cos θᵢ m) / N to m cos ‖T‖ + T / ‖T‖ sin ‖T‖, until ‖T‖ is below the
/// tolerance. As in mergekit, vectors no longer than the tolerance have no direction but count for the mean length, and
/// all members weigh the same. A vector opposite to m pulls nowhere; where the directions cancel, the search starts at
/// the first one.
public struct KarcherMerge: MergeMethod {
    /// How many steps are taken at most.
    public var maximumIterations: Int
    /// Where the steps end.
    public var tolerance: Double

    /// Makes the method.
    public init(maximumIterations: Int = 10, tolerance: Double = 1e-5) {
        self.maximumIterations = maximumIterations
        self.tolerance = tolerance
    }

    /// The method's name.
    public var name: String { "Karcher mean" }
    /// There is no base.
    public var baseline: MergeBaseline { .none }

    /// Throws for a negative number of steps, or a tolerance that is not above 0.
    public func validate(memberCount: Int) throws(CollabError) {
        guard maximumIterations >= 0, tolerance > 0, tolerance.isFinite else {
            throw CollabError(
                .invalidRequest,
                """
                A Karcher mean takes at least 0 steps and a tolerance above 0, not \(maximumIterations) and \
                \(tolerance).
                """
            )
        }
    }

    /// Searches for the mean; the members are read once, all steps need only their inner products.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        let division = VectorScope.tensor.division(of: inputs.tensor)
        let matrix = try inputs.gramMatrices(division)[0]
        return VectorwiseSum(division, coefficients: [coefficients(matrix)], hasBase: false)
    }

    /// What the members are multiplied by.
    func coefficients(_ matrix: GramMatrix) -> [Double] {
        let norms = (0..<matrix.count).map(matrix.norm)
        let used = norms.indices.filter { norms[$0] > tolerance }
        guard let first = used.first else { return norms.map { _ in 0 } }
        let inverse = norms.map { $0 > tolerance ? 1 / $0 : 0 }
        let units = matrix.scaled(by: inverse)
        let share = 1 / Double(used.count)
        // All vectors below are combinations of the unit vectors.
        var mean = norms.indices.map { used.contains($0) ? share : 0 }
        let length = max(0, units.product(mean, mean)).squareRoot()
        if length < tolerance {
            mean = norms.indices.map { $0 == first ? 1 : 0 }
        } else {
            mean = mean.map { $0 / length }
        }
        for _ in 0..<maximumIterations {
            var tangent = [Double](repeating: 0, count: norms.count)
            for index in used {
                let along = mean.indices.reduce(0) { $0 + mean[$1] * units[$1, index] }
                let cosine = max(-1, min(1, along))
                let angle = acos(cosine)
                let sine = sin(angle)
                guard angle >= tolerance, sine > 1e-12 else { continue }
                let factor = share * angle / sine
                tangent[index] += factor
                for other in mean.indices { tangent[other] -= factor * cosine * mean[other] }
            }
            let step = max(0, units.product(tangent, tangent)).squareRoot()
            if step < tolerance { break }
            mean = mean.indices.map { mean[$0] * cos(step) + tangent[$0] / step * sin(step) }
            let length = max(0, units.product(mean, mean)).squareRoot()
            if length > tolerance { mean = mean.map { $0 / length } }
        }
        let scale = norms.reduce(0, +) / Double(norms.count)
        return mean.indices.map { mean[$0] * scale * inverse[$0] }
    }

    /// Equal tensors have one direction and one length.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { true }
}

extension MergeMethod where Self == KarcherMerge {
    /// The mean direction on the sphere times the mean length; see ``KarcherMerge``.
    public static func karcher(maximumIterations: Int = 10, tolerance: Double = 1e-5) -> KarcherMerge {
        KarcherMerge(maximumIterations: maximumIterations, tolerance: tolerance)
    }
}
