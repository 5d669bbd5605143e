internal import CKernels

/// Where a vector is cut so that exactly the k elements of largest magnitude are kept.
package struct MagnitudeCut: Hashable, Sendable {
    /// The magnitude's bits: larger ones are kept, smaller ones are not.
    package var bits: UInt32
    /// The index of the last element of exactly this magnitude that is kept.
    package var lastEqual: Int

    package init(bits: UInt32, lastEqual: Int) {
        self.bits = bits
        self.lastEqual = lastEqual
    }
}

/// Finds the k-th largest magnitude of a vector that is read in blocks, in linear time and without sorting: a
/// histogram of the magnitudes' upper bits, then a look at those in the bucket where the k-th falls. Of equal
/// magnitudes those at the lowest indices are kept.
///
/// Feed the whole vector block by block, in order, until ``isDone``, which may be in the middle of a pass. Two passes do
/// unless very many magnitudes are nearly equal; then the bucket is not written down, and there are three.
package struct MagnitudeSelection {
    private enum Phase {
        case upper
        case gathering(prefix: UInt32)
        case lower(prefix: UInt32)
        case equals(bits: UInt32)
        case done(MagnitudeCut)
    }

    /// The most elements of a bucket that are written down: 10 MiB.
    package static let longestGathering = 1 << 20

    private var phase = Phase.upper
    /// How many elements are still to be found in or above the current bucket.
    private var wanted: UInt64
    /// Four tables by the upper bits, and one of those whose lower bits are not all 0.
    private var upper = [UInt32](repeating: 0, count: 5 << 15)
    /// What the tables held before they could overflow.
    private var sums = [UInt64](repeating: 0, count: 1 << 15)
    /// Which buckets have magnitudes whose lower bits are not all 0.
    private var isInexact = [Bool](repeating: false, count: 1 << 15)
    private var sinceSum = 0
    /// By the lower bits.
    private var lower: [UInt64] = []
    private var places: [UInt64] = []
    private var bits: [UInt16] = []
    private var gathered = 0
    private var seen: UInt64 = 0
    private var position = 0
    private let longest: Int

    /// Begins to look for the `count` largest magnitudes; `count` must be at least 1 and at most the vector's length.
    package init(count: Int, longestGathering: Int = MagnitudeSelection.longestGathering) {
        wanted = UInt64(count)
        longest = longestGathering
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
    package mutating func add(_ block: UnsafeBufferPointer<Float>, level: KernelLevel = .best) {
        guard let base = block.baseAddress else { return }
        switch phase {
        case .upper:
            collab_merge_histogram(base, block.count, &upper)
            sinceSum += block.count
            if sinceSum > 1 << 30 { addUp() }
        case .gathering(let prefix):
            let first = UInt64(position)
            gathered += places.withUnsafeMutableBufferPointer { places in
                bits.withUnsafeMutableBufferPointer { bits in
                    guard let places = places.baseAddress, let bits = bits.baseAddress else { return 0 }
                    return collab_merge_gather(
                        level.raw,
                        base,
                        block.count,
                        prefix,
                        first,
                        places + gathered,
                        bits + gathered
                    )
                }
            }
        case .lower(let prefix): collab_merge_histogram_lower(base, block.count, prefix, &lower)
        case .equals(let bits):
            let index = collab_merge_find_equal(level.raw, base, block.count, bits, wanted, &seen)
            if index >= 0 { phase = .done(MagnitudeCut(bits: bits, lastEqual: position + index)) }
        case .done: break
        }
        position += block.count
    }

    /// Ends a pass.
    package mutating func endPass() {
        position = 0
        switch phase {
        case .upper:
            addUp()
            isFinite = sums[0x7f80...].allSatisfy { $0 == 0 }
            let prefix = descend(sums)
            let count = Int(sums[prefix])
            if !isInexact[prefix] {
                // Differences of rounded weights are multiples of few numbers: the bucket holds equal magnitudes only.
                phase = .equals(bits: UInt32(prefix) << 16)
                if wanted == sums[prefix] {
                    phase = .done(MagnitudeCut(bits: UInt32(prefix) << 16, lastEqual: .max - 1))
                }
            } else if count <= longest {
                phase = .gathering(prefix: UInt32(prefix))
                places = [UInt64](repeating: 0, count: count)
                bits = [UInt16](repeating: 0, count: count)
            } else {
                phase = .lower(prefix: UInt32(prefix))
                lower = [UInt64](repeating: 0, count: 1 << 16)
            }
            (upper, sums, isInexact) = ([], [], [])
        case .gathering(let prefix):
            lower = [UInt64](repeating: 0, count: 1 << 16)
            for value in bits[..<gathered] { lower[Int(value)] += 1 }
            let value = UInt16(descend(lower))
            var last = Int.max - 1
            for index in 0..<gathered where bits[index] == value {
                seen += 1
                if seen == wanted {
                    last = Int(places[index])
                    break
                }
            }
            phase = .done(MagnitudeCut(bits: prefix << 16 | UInt32(value), lastEqual: last))
            (places, bits, lower) = ([], [], [])
        case .lower(let prefix):
            phase = .equals(bits: prefix << 16 | UInt32(descend(lower)))
            lower = []
        // The pass has found the last of them.
        case .equals, .done: break
        }
    }

    /// Adds the four tables to their sums.
    private mutating func addUp() {
        for table in 0..<4 {
            for bucket in 0..<1 << 15 { sums[bucket] += UInt64(upper[table << 15 | bucket]) }
        }
        for bucket in 0..<1 << 15 where upper[4 << 15 | bucket] > 0 { isInexact[bucket] = true }
        upper = [UInt32](repeating: 0, count: 5 << 15)
        sinceSum = 0
    }

    /// The highest bucket at which the elements from the top reach the wanted number; what lies above is subtracted.
    private mutating func descend(_ counters: [UInt64]) -> Int {
        for bucket in counters.indices.reversed() {
            if counters[bucket] >= wanted { return bucket }
            wanted -= counters[bucket]
        }
        return 0
    }
}
