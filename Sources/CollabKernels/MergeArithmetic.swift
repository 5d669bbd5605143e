internal import CKernels

/// Arithmetic over slices of weights. Everything between inputs and results is done in double precision.
package enum MergeArithmetic {
    /// How the sign of an element is elected.
    package enum Vote {
        case weighted, sum, count
    }

    /// How the deltas that have the elected sign are combined.
    package enum Combination {
        case sum, weightedMean, mean
    }

    /// out = Σ weightᵢ · memberᵢ.
    package static func weighted(
        _ members: [UnsafeBufferPointer<Float>],
        weights: [Double],
        into out: UnsafeMutableBufferPointer<Float>,
        level: KernelLevel = .best
    ) {
        guard let target = out.baseAddress else { return }
        let pointers = members.map(\.baseAddress)
        collab_merge_weighted(level.raw, pointers, weights, members.count, out.count, target)
    }

    /// out = x − base.
    package static func delta(
        _ x: UnsafeBufferPointer<Float>,
        from base: UnsafeBufferPointer<Float>,
        into out: UnsafeMutableBufferPointer<Float>,
        level: KernelLevel = .best
    ) {
        guard let target = out.baseAddress else { return }
        collab_merge_delta(level.raw, x.baseAddress, base.baseAddress, out.count, target)
    }

    /// out = base + factor · Σ weightᵢ · deltaᵢ.
    package static func add(
        _ deltas: [UnsafeBufferPointer<Float>],
        weights: [Double],
        factor: Double,
        to base: UnsafeBufferPointer<Float>,
        into out: UnsafeMutableBufferPointer<Float>,
        level: KernelLevel = .best
    ) {
        guard let target = out.baseAddress else { return }
        let pointers = deltas.map(\.baseAddress)
        collab_merge_add(
            level.raw,
            base.baseAddress,
            pointers,
            weights,
            deltas.count,
            factor,
            out.count,
            target
        )
    }

    /// out = base + factor · (the combination of those scaled and weighted deltas whose sign is the elected one).
    package static func consensus(
        _ deltas: [UnsafeBufferPointer<Float>],
        scales: [Double],
        weights: [Double],
        vote: Vote,
        combination: Combination,
        factor: Double,
        base: UnsafeBufferPointer<Float>,
        into out: UnsafeMutableBufferPointer<Float>,
        level: KernelLevel = .best
    ) {
        guard let target = out.baseAddress else { return }
        collab_merge_consensus(
            level.raw,
            base.baseAddress,
            deltas.map(\.baseAddress),
            scales,
            weights,
            deltas.count,
            vote.raw,
            combination.raw,
            factor,
            out.count,
            target
        )
    }

    /// (Σ a b, Σ a², Σ b²).
    package static func products(
        _ a: UnsafeBufferPointer<Float>,
        _ b: UnsafeBufferPointer<Float>,
        level: KernelLevel = .best
    ) -> (ab: Double, aa: Double, bb: Double) {
        var sums = [0.0, 0.0, 0.0]
        guard let x = a.baseAddress, let y = b.baseAddress else { return (0, 0, 0) }
        collab_merge_products(level.raw, x, y, min(a.count, b.count), &sums)
        return (sums[0], sums[1], sums[2])
    }

    /// Σ |x|.
    package static func l1(_ x: UnsafeBufferPointer<Float>, level: KernelLevel = .best) -> Double {
        guard let base = x.baseAddress else { return 0 }
        return collab_merge_l1(level.raw, base, x.count)
    }

    /// The first element that is NaN or infinite.
    package static func firstNotFinite(_ x: UnsafeBufferPointer<Float>, level: KernelLevel = .best) -> Int? {
        guard let base = x.baseAddress else { return nil }
        let index = collab_merge_not_finite(level.raw, base, x.count)
        return index < 0 ? nil : index
    }

    /// Sets elements to 0 unless their number in a random stream is below a share of all numbers.
    ///
    /// The numbers are those of Philox4x32-10 (Salmon et al. 2011): an element's depends on its index alone, so
    /// results do not depend on slices or threads.
    ///
    /// - Parameters:
    ///   - first: the index of the first element in its tensor.
    ///   - density: the share that is kept, between 0 and 1.
    package static func drop(
        _ x: UnsafeMutableBufferPointer<Float>,
        first: Int,
        density: Double,
        key: UInt64,
        stream: Int,
        level: KernelLevel = .best
    ) {
        guard let base = x.baseAddress else { return }
        let threshold = UInt32((max(0, min(1, density)) * 0x1p16).rounded())
        collab_merge_drop(
            level.raw,
            base,
            UInt64(first),
            x.count,
            key,
            UInt32(truncatingIfNeeded: stream),
            threshold
        )
    }

    /// Sets to 0 what a cut does not keep.
    package static func trim(
        _ x: UnsafeMutableBufferPointer<Float>,
        to cut: MagnitudeCut,
        first: Int,
        level: KernelLevel = .best
    ) {
        guard let base = x.baseAddress else { return }
        let cutoff = cut.lastEqual < first ? 0 : cut.lastEqual - first + 1
        collab_merge_trim(level.raw, base, x.count, cut.bits, cutoff)
    }
}

extension MergeArithmetic.Vote {
    var raw: collab_vote {
        switch self {
        case .weighted: COLLAB_VOTE_WEIGHTED
        case .sum: COLLAB_VOTE_SUM
        case .count: COLLAB_VOTE_COUNT
        }
    }
}

extension MergeArithmetic.Combination {
    var raw: collab_combination {
        switch self {
        case .sum: COLLAB_COMBINE_SUM
        case .weightedMean: COLLAB_COMBINE_WEIGHTED_MEAN
        case .mean: COLLAB_COMBINE_MEAN
        }
    }
}
