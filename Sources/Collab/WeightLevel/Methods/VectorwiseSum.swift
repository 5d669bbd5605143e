internal import CollabKernels

/// Σ cᵢ xᵢ, or b + Σ cᵢ (xᵢ − b) if there is a base, with coefficients that differ between the vectors of a tensor.
struct VectorwiseSum: TensorMerge {
    var division: VectorDivision
    /// For each vector the members' coefficients and, last, the base's.
    private var weights: [[Double]]
    /// Even what counts 0 times: 0 · NaN is NaN.
    var showsNotFinite: Bool { true }

    init(_ division: VectorDivision, coefficients: [[Double]], hasBase: Bool) {
        self.division = division
        weights = coefficients.map { hasBase ? $0 + [1 - $0.reduce(0, +)] : $0 }
    }

    /// The coefficients of a tensor that is one vector.
    private var single: [Double]? { division.count == 1 ? weights.first : nil }

    func merge(_ slice: TensorSlice, into output: UnsafeMutableBufferPointer<Float>) {
        let rows = slice.members + (slice.base.map { [$0] } ?? [])
        division.forEachRun(of: slice.elements) { vector, part in
            let weights = weights[vector]
            if part.count == 1 {
                let place = part.lowerBound
                var sum = 0.0
                for (row, weight) in zip(rows, weights) { sum += weight * Double(row[place]) }
                output[place] = Float(sum)
            } else {
                MergeArithmetic.weighted(
                    rows.map { UnsafeBufferPointer(rebasing: $0[part]) },
                    weights: weights,
                    into: UnsafeMutableBufferPointer(rebasing: output[part])
                )
            }
        }
    }
}

extension VectorwiseSum: RawTensorMerge {
    func merge(_ inputs: RawInputs, _ elements: Range<Int>, into output: RawOutput) -> Bool {
        guard let single else { return false }
        let (members, base) = inputs.addresses(at: elements.lowerBound)
        output.setWeighted(members + (base.map { [$0] } ?? []), weights: single)
        return true
    }
}
