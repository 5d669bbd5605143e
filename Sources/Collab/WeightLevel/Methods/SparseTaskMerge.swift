internal import CollabKernels

/// Which elements of one member's task vector are kept, and what they are multiplied by.
struct Thinning: Sendable {
    enum Rule: Sendable {
        case everything
        case nothing
        /// The largest magnitudes.
        case magnitude(MagnitudeCut)
        /// What lies between the smallest and the largest magnitudes: what `largest` keeps goes, and of the rest what
        /// `atLeast` keeps stays.
        case band(atLeast: MagnitudeCut?, largest: MagnitudeCut?)
        /// A random share.
        case random(density: Double, key: UInt64, stream: Int)
        /// Those whose bit is set, by index in the tensor.
        case chosen(bits: [UInt64])
        /// What is drawn by rank, times the factors that belong to it.
        case ranked(RankedDraw)
    }

    var rule = Rule.everything
    var scale = 1.0
    /// Whether all of the task vector has been read to make the scale.
    var isMeasured = false

    /// Whether the whole task vector has been read, and refused if something in it is no finite number.
    fileprivate var hasBeenRead: Bool {
        switch rule {
        case .everything, .nothing: false
        case .magnitude, .band, .chosen: true
        case .random, .ranked: isMeasured
        }
    }

    /// Sets to 0 what is not kept.
    ///
    /// - Parameter first: the index of the first element in its tensor.
    func apply(to delta: UnsafeMutableBufferPointer<Float>, first: Int) throws(CollabError) {
        switch rule {
        case .everything: break
        case .nothing: delta.update(repeating: 0)
        case .magnitude(let cut): MergeArithmetic.trim(delta, to: cut, first: first)
        case .band(let atLeast, let largest):
            if let largest { MergeArithmetic.removeLargest(delta, of: largest, first: first) }
            if let atLeast { MergeArithmetic.trim(delta, to: atLeast, first: first) }
        case .random(let density, let key, let stream):
            MergeArithmetic.drop(delta, first: first, density: density, key: key, stream: stream)
        case .chosen(let bits):
            for place in delta.indices {
                let index = first + place
                if bits[index >> 6] >> UInt64(index & 63) & 1 == 0 { delta[place] = 0 }
            }
        case .ranked(let draw): try draw.apply(to: delta, first: first)
        }
    }
}

/// Thinned task vectors of a tensor, combined.
struct SparseTaskMerge: TensorMerge {
    /// How the thinned task vectors become one.
    enum Combination: Sendable {
        /// λ Σ w d / divisor.
        case linear(divisor: Double)
        /// The elected sign's.
        case consensus(SignVote, SignCombination)
    }

    var thinnings: [Thinning]
    var weights: [Double]
    var lambda: Double
    var combination: Combination

    /// A sum of everything shows it; an election may outvote it, and what is dropped is not seen.
    var showsNotFinite: Bool {
        thinnings.allSatisfy { thinning in
            if case (.everything, .linear) = (thinning.rule, combination) { return true }
            return thinning.hasBeenRead
        }
    }

    func merge(_ slice: TensorSlice, into output: UnsafeMutableBufferPointer<Float>) throws(CollabError) {
        guard let base = slice.base else { return }
        let count = slice.elements.count
        let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: count * slice.members.count)
        defer { memory.deallocate() }
        var deltas: [UnsafeBufferPointer<Float>] = []
        for (index, member) in slice.members.enumerated() {
            let delta = UnsafeMutableBufferPointer(rebasing: memory[(index * count)..<((index + 1) * count)])
            MergeArithmetic.delta(member, from: base, into: delta)
            try thinnings[index].apply(to: delta, first: slice.elements.lowerBound)
            deltas.append(UnsafeBufferPointer(delta))
        }
        let scales = thinnings.map(\.scale)
        switch combination {
        case .linear(let divisor):
            let factors = zip(weights, scales).map { $0 * $1 }
            MergeArithmetic.add(deltas, weights: factors, factor: lambda / divisor, to: base, into: output)
        case .consensus(let vote, let combination):
            MergeArithmetic.consensus(
                deltas,
                scales: scales,
                weights: weights,
                vote: vote.arithmetic,
                combination: combination.arithmetic,
                factor: lambda,
                base: base,
                into: output
            )
        }
    }
}

extension SparseTaskMerge: RawTensorMerge {
    func merge(_ inputs: RawInputs, _ elements: Range<Int>, into output: RawOutput) -> Bool {
        let (members, base) = inputs.addresses(at: elements.lowerBound)
        guard let base, elements.lowerBound % RawMerge.alignment == 0 else { return false }
        return withRawThinnings(thinnings[...], of: elements) { raw in
            var (weights, factor) = (weights, lambda)
            var election: (vote: MergeArithmetic.Vote, combination: MergeArithmetic.Combination)?
            switch combination {
            case .linear(let divisor):
                // As one factor a member, in the order in which the slower way multiplies.
                weights = zip(weights, thinnings).map { $0 * $1.scale }
                factor = lambda / divisor
            case .consensus(let vote, let combination): election = (vote.arithmetic, combination.arithmetic)
            }
            output.setTasks(
                members,
                base: base,
                RawCombination(
                    thinnings: raw,
                    scales: election == nil ? thinnings.map { _ in 1 } : thinnings.map(\.scale),
                    weights: weights,
                    election: election,
                    factor: factor,
                    first: elements.lowerBound
                )
            )
        }
    }

    /// Lends what the kernels need to know of thinnings; `false` if they cannot do one.
    private func withRawThinnings(
        _ rest: ArraySlice<Thinning>,
        of elements: Range<Int>,
        _ known: [RawThinning] = [],
        _ body: ([RawThinning]) -> Void
    ) -> Bool {
        guard let first = rest.first else {
            body(known)
            return true
        }
        switch first.rule {
        case .everything: return withRawThinnings(rest.dropFirst(), of: elements, known + [.everything], body)
        case .nothing: return withRawThinnings(rest.dropFirst(), of: elements, known + [.nothing], body)
        case .magnitude(let cut):
            return withRawThinnings(rest.dropFirst(), of: elements, known + [.magnitude(cut)], body)
        case .chosen(let bits):
            return bits.withUnsafeBufferPointer { bits in
                guard let base = bits.baseAddress else { return false }
                return withRawThinnings(rest.dropFirst(), of: elements, known + [.chosen(base)], body)
            }
        case .random(let density, let key, let stream):
            var bits = [UInt64](repeating: 0, count: (elements.count + 127) / 128 * 2)
            return bits.withUnsafeMutableBufferPointer { bits in
                guard let words = bits.baseAddress else { return false }
                RawMerge.draw(
                    first: elements.lowerBound,
                    count: elements.count,
                    density: density,
                    key: key,
                    stream: stream,
                    into: words
                )
                // Bits are found by place in the tensor.
                let origin = UnsafePointer(words) - elements.lowerBound / 64
                return withRawThinnings(rest.dropFirst(), of: elements, known + [.chosen(origin)], body)
            }
        case .band, .ranked: return false
        }
    }

    var heldByteCount: Int {
        thinnings.reduce(0) { sum, thinning in
            switch thinning.rule {
            case .chosen(let bits): sum + 8 * bits.count
            case .ranked(let draw): sum + 4 * draw.columns
            default: sum
            }
        }
    }
}

extension SignVote {
    fileprivate var arithmetic: MergeArithmetic.Vote {
        switch self {
        case .weighted: .weighted
        case .sum: .sum
        case .count: .count
        }
    }
}

extension SignCombination {
    fileprivate var arithmetic: MergeArithmetic.Combination {
        switch self {
        case .sum: .sum
        case .weightedMean: .weightedMean
        case .mean: .mean
        }
    }
}
