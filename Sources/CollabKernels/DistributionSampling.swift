internal import CKernels

extension Distribution {
    /// Σ exp((x − maximum) · scale).
    package static func exponentialSum(
        _ values: UnsafeBufferPointer<Float>,
        maximum: Float,
        scale: Float,
        level: KernelLevel = .best
    ) -> Double {
        guard let base = values.baseAddress else { return 0 }
        return collab_exp_sum(level.raw, base, values.count, maximum, scale)
    }

    /// The index at which the running sum of exp((x − maximum) · scale) first exceeds a fraction of the whole.
    ///
    /// - Parameter unit: the fraction, at least 0 and less than 1.
    package static func draw(
        _ values: UnsafeBufferPointer<Float>,
        maximum: Float,
        scale: Float,
        unit: Double,
        level: KernelLevel = .best
    ) -> Int? {
        guard let base = values.baseAddress else { return nil }
        let index = collab_draw(level.raw, base, values.count, maximum, scale, unit)
        return index < 0 ? nil : index
    }
}
