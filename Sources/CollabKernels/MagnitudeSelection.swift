internal import CKernels

/// Where a vector is cut so that exactly the k elements of largest magnitude are kept.
package struct MagnitudeCut: Hashable, Sendable {
    /// The magnitude's bits: larger ones are kept, smaller ones are not.
    package var bits: UInt32
    /// The index of the last element of exactly this magnitude that is kept.
    package var lastEqual: Int
}

/// Finds the k-th largest magnitude of a vector that is read in blocks, in linear time and without sorting: a
/// histogram of the magnitudes' upper bits, one of the lower bits within the bucket where the k-th falls, and a last
/// look for the place where equal ones end. Of equal magnitudes those at the lowest indices are kept.
///
/// Feed the whole vector block by block, in order, until ``isDone``.
package struct MagnitudeSelection {
    private enum Phase {
        case upper
        case lower(prefix: Int32)
        case equals(bits: UInt32, wanted: UInt64)
        case done(MagnitudeCut)
    }

    private var phase = Phase.upper
    /// How many elements are still to be found in or above the current bucket.
    private var wanted: UInt64
    private var counters = [UInt64](repeating: 0, count: 1 << 15)
    private var seen: UInt64 = 0
    private var position = 0
    private var last = -1

    /// Begins to look for the `count` largest magnitudes; `count` must be at least 1 and at most the vector's length.
    package init(count: Int) {
        wanted = UInt64(count)
    }

    /// The cut, once it is known.
    package var cut: MagnitudeCut? {
        if case .done(let cut) = phase { cut } else { nil }
    }

    /// Whether the cut is known.
    package var isDone: Bool { cut != nil }

    /// Whether no magnitude that has been seen is NaN or infinite; meaningful after the first pass.
    package private(set) var isFinite = true

    /// Takes the next block of a pass.
    package mutating func add(_ block: UnsafeBufferPointer<Float>) {
        guard let base = block.baseAddress else { return }
        switch phase {
        case .upper: collab_merge_histogram(base, block.count, -1, &counters)
        case .lower(let prefix): collab_merge_histogram(base, block.count, prefix, &counters)
        case .equals(let bits, let wanted):
            if last < 0 {
                let index = collab_merge_find_equal(base, block.count, bits, wanted, &seen)
                if index >= 0 { last = position + index }
            }
            position += block.count
        case .done: break
        }
    }

    /// Ends a pass.
    package mutating func endPass() {
        switch phase {
        case .upper:
            isFinite = counters[0x7f80...].allSatisfy { $0 == 0 }
            phase = .lower(prefix: Int32(descend()))
            counters = [UInt64](repeating: 0, count: 1 << 16)
        case .lower(let prefix):
            let bits = UInt32(prefix) << 16 | UInt32(descend())
            phase = .equals(bits: bits, wanted: wanted)
            counters = []
        case .equals(let bits, _): phase = .done(MagnitudeCut(bits: bits, lastEqual: last))
        case .done: break
        }
    }

    /// The highest bucket at which the elements from the top reach the wanted number; what lies above is subtracted.
    private mutating func descend() -> Int {
        for bucket in counters.indices.reversed() {
            if counters[bucket] >= wanted { return bucket }
            wanted -= counters[bucket]
        }
        return 0
    }
}
