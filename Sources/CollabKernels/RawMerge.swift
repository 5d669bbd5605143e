internal import CKernels

/// Arithmetic over weights as they are stored in bfloat16, without a copy in float32 in between.
///
/// Results are those of ``MergeArithmetic`` bit for bit, but for sums of many products, which begin in single precision.
package enum RawMerge {
    /// The most members of a merge that is computed so.
    package static let mostMembers = Int(COLLAB_RAW_MEMBERS)

    /// Elements of a tensor are taken from a multiple of this on.
    package static let alignment = 128

    /// out = Σ weightᵢ · memberᵢ.
    package static func weighted(
        _ members: [UnsafeRawPointer],
        weights: [Double],
        into out: UnsafeMutableBufferPointer<Float>,
        level: KernelLevel = .best
    ) {
        guard let target = out.baseAddress else { return }
        collab_raw_weighted(level.raw, members.map { $0 }, weights, members.count, out.count, target)
    }

    /// out = Σ weightᵢ · memberᵢ, rounded to float32 and then to bfloat16.
    ///
    /// - Parameter out: two bytes an element.
    package static func weighted(
        _ members: [UnsafeRawPointer],
        weights: [Double],
        rounding out: UnsafeMutableRawBufferPointer,
        level: KernelLevel = .best
    ) {
        guard let target = out.baseAddress else { return }
        collab_raw_weighted_bf16(level.raw, members.map { $0 }, weights, members.count, out.count / 2, target)
    }

    /// Adds the inner products of the members, or of what they differ from the base by, to a matrix.
    package static func gram(
        _ members: [UnsafeRawPointer],
        base: UnsafeRawPointer?,
        count: Int,
        into sums: inout [Double],
        level: KernelLevel = .best
    ) {
        collab_raw_gram(level.raw, members.map { $0 }, base, members.count, count, &sums)
    }

    /// The rank-th largest of some numbers, rank from 1 on, which lies in a range that none of them is above; and how many
    /// of those equal to it are among the first `rank`.
    package static func select(
        _ numbers: UnsafeBufferPointer<UInt32>,
        rank: Int,
        in range: ClosedRange<UInt32> = 0...UInt32.max,
        level: KernelLevel = .best
    ) -> (value: UInt32, equal: Int) {
        guard let base = numbers.baseAddress else { return (0, 0) }
        var equal = 0
        let value = collab_raw_select(
            level.raw,
            base,
            UInt32(numbers.count),
            range.lowerBound,
            range.upperBound,
            rank,
            &equal
        )
        return (value, equal)
    }

    /// How many elements of a sample lie side by side.
    package static let run = Int(COLLAB_RAW_RUN)

    /// |x − base| of runs that are spread over `total` elements, at least as many as a run has, as bits.
    package static func sample(
        _ x: UnsafeRawPointer,
        base: UnsafeRawPointer,
        of total: Int,
        runs: Int,
        level: KernelLevel = .best
    ) -> [UInt32] {
        [UInt32](unsafeUninitializedCapacity: runs * run) { memory, count in
            if let target = memory.baseAddress {
                collab_raw_sample(level.raw, x, base, UInt64(total), runs, target)
                count = runs * run
            }
        }
    }

    /// Some elements' |x − base| as bits, in place of what was in the array.
    package static func magnitudes(
        _ x: UnsafeRawPointer,
        base: UnsafeRawPointer,
        into out: UnsafeMutableBufferPointer<UInt32>,
        level: KernelLevel = .best
    ) {
        guard let target = out.baseAddress else { return }
        collab_raw_magnitudes(level.raw, x, base, out.count, target)
    }

    /// Sets a bit for each element from `first` on whose number in a random stream is below a share of all numbers, as
    /// ``MergeArithmetic/drop(_:first:density:key:stream:level:)`` keeps them; `first` is a multiple of ``alignment``.
    package static func draw(
        first: Int,
        count: Int,
        density: Double,
        key: UInt64,
        stream: Int,
        into bits: UnsafeMutablePointer<UInt64>,
        level: KernelLevel = .best
    ) {
        let threshold = UInt32((max(0, min(1, density)) * 0x1p16).rounded())
        let stream = UInt32(truncatingIfNeeded: stream)
        collab_raw_draw(level.raw, UInt64(first), count, key, stream, threshold, bits)
    }

    /// (Σ |x − base|, Σ of those whose bit is set).
    package static func sums(
        _ x: UnsafeRawPointer,
        base: UnsafeRawPointer,
        count: Int,
        kept: UnsafePointer<UInt64>,
        level: KernelLevel = .best
    ) -> (all: Double, kept: Double) {
        var sums = [0.0, 0.0]
        collab_raw_sums(level.raw, x, base, count, kept, &sums)
        return (sums[0], sums[1])
    }
}

/// Which elements of a task vector are kept, ready for the kernels.
package enum RawThinning {
    case everything
    case nothing
    case magnitude(MagnitudeCut)
    /// By place in the tensor.
    case chosen(UnsafePointer<UInt64>)

    fileprivate var raw: collab_raw_thinning {
        switch self {
        case .everything: collab_raw_thinning(kind: COLLAB_RAW_ALL, bits: 0, last: 0, kept: nil)
        case .nothing: collab_raw_thinning(kind: COLLAB_RAW_NONE, bits: 0, last: 0, kept: nil)
        case .magnitude(let cut):
            collab_raw_thinning(
                kind: COLLAB_RAW_MAGNITUDE,
                bits: cut.bits,
                last: UInt64(cut.lastEqual),
                kept: nil
            )
        case .chosen(let bits): collab_raw_thinning(kind: COLLAB_RAW_CHOSEN, bits: 0, last: 0, kept: bits)
        }
    }
}

/// How task vectors are thinned and combined, beginning at some element of a tensor.
package struct RawCombination {
    /// Which elements of each member's task vector are kept.
    package var thinnings: [RawThinning]
    package var scales: [Double]
    package var weights: [Double]
    /// How signs are elected; `nil` adds everything up.
    package var election: (vote: MergeArithmetic.Vote, combination: MergeArithmetic.Combination)?
    package var factor: Double
    /// The place of the first element in the tensor, a multiple of ``RawMerge/alignment``.
    package var first: Int

    package init(
        thinnings: [RawThinning],
        scales: [Double],
        weights: [Double],
        election: (vote: MergeArithmetic.Vote, combination: MergeArithmetic.Combination)?,
        factor: Double,
        first: Int
    ) {
        self.thinnings = thinnings
        self.scales = scales
        self.weights = weights
        self.election = election
        self.factor = factor
        self.first = first
    }

    fileprivate var rule: collab_raw_rule {
        collab_raw_rule(
            elects: election != nil,
            vote: (election?.vote ?? .weighted).raw,
            combination: (election?.combination ?? .sum).raw,
            factor: factor
        )
    }
}

extension RawMerge {
    /// out = base + factor · (the thinned, scaled and weighted task vectors, added up or combined by election).
    package static func tasks(
        _ members: [UnsafeRawPointer],
        base: UnsafeRawPointer,
        _ combination: RawCombination,
        into out: UnsafeMutableBufferPointer<Float>,
        level: KernelLevel = .best
    ) {
        guard let target = out.baseAddress else { return }
        var rule = combination.rule
        collab_raw_tasks(
            level.raw,
            members.map { $0 },
            base,
            combination.thinnings.map(\.raw),
            combination.scales,
            combination.weights,
            members.count,
            &rule,
            UInt64(combination.first),
            out.count,
            target
        )
    }

    /// As ``tasks(_:base:_:into:level:)``, rounded to float32 and then to bfloat16.
    ///
    /// - Parameter out: two bytes an element.
    package static func tasks(
        _ members: [UnsafeRawPointer],
        base: UnsafeRawPointer,
        _ combination: RawCombination,
        rounding out: UnsafeMutableRawBufferPointer,
        level: KernelLevel = .best
    ) {
        guard let target = out.baseAddress else { return }
        var rule = combination.rule
        collab_raw_tasks_bf16(
            level.raw,
            members.map { $0 },
            base,
            combination.thinnings.map(\.raw),
            combination.scales,
            combination.weights,
            members.count,
            &rule,
            UInt64(combination.first),
            out.count / 2,
            target
        )
    }
}

/// Memory for magnitudes, which grows and can be used for one tensor after another.
package final class BandMemory {
    fileprivate private(set) var bits = UnsafeMutableBufferPointer<UInt32>(start: nil, count: 0)

    package init() {}

    deinit { bits.deallocate() }

    fileprivate func reserve(_ capacity: Int) {
        guard capacity > bits.count else { return }
        bits.deallocate()
        bits = .allocate(capacity: capacity)
    }
}

/// Finds where task vectors in bfloat16 are cut so that exactly so many of their largest magnitudes are kept, by one
/// pass over them.
///
/// A sample tells between which bounds the cut will lie; the pass counts what is above them and writes down what is
/// between, among which the cut is found exactly. Where the sample was misleading, or very much lies between the bounds,
/// there is no result, and ``MagnitudeSelection`` finds the cut in more passes.
package struct BandSelection {
    private let wanted: Int
    private let low: UInt32
    private let high: UInt32
    private var above = 0
    private var band: collab_raw_band
    private let memory: BandMemory
    /// What has been added, and how many magnitudes had been noted then.
    private var parts: [(elements: Range<Int>, found: Int)] = []

    /// The most elements between the bounds: 16 MiB.
    private static let mostInBand = 1 << 22

    /// Begins to look for the `count` largest of so many magnitudes; `nil` where it is not worth it.
    ///
    /// - Parameters:
    ///   - sample: some of the magnitudes, as bits.
    ///   - memory: what nobody else uses meanwhile.
    package init?(count: Int, of total: Int, sample: UnsafeBufferPointer<UInt32>, memory: BandMemory) {
        guard count >= 1, count <= total, sample.count >= 1024 else { return nil }
        wanted = count
        let share = Double(count) / Double(total)
        // Five standard deviations of the share that a sample would show.
        let slack = 5 * (share * (1 - share) / Double(sample.count)).squareRoot() * Double(sample.count) + 2
        let middle = share * Double(sample.count)
        func bits(_ rank: Double) -> UInt32 {
            RawMerge.select(sample, rank: max(1, min(sample.count, Int(rank)))).value
        }
        let upper = middle - slack < 1 ? 0x7fff_ffff : bits(middle - slack)
        let lower = middle + slack > Double(sample.count) ? 0 : bits(middle + slack)
        // What has not changed at all need not be written down: to keep zeros or not to is the same.
        let (low, high) = (max(lower, 1), max(upper, 1))
        (self.low, self.high) = (low, high)
        let within = sample.count { $0 >= low && $0 <= high }
        let capacity = within * (total / sample.count + 1) * 5 / 4 + 65_536
        guard low <= high, capacity <= Self.mostInBand else { return nil }
        memory.reserve(capacity)
        self.memory = memory
        band = collab_raw_band(
            bits: memory.bits.baseAddress,
            capacity: capacity,
            found: 0,
            overflow: false,
            worst: 0
        )
    }

    /// Takes the next elements, in order.
    package mutating func add(
        _ x: UnsafeRawPointer,
        base: UnsafeRawPointer,
        count: Int,
        first: Int,
        level: KernelLevel = .best
    ) {
        above += Int(collab_raw_find_band(level.raw, x, base, count, low, high, &band))
        parts.append((first..<first + count, band.found))
    }

    /// Whether no magnitude was NaN or infinite.
    package var isFinite: Bool { band.worst < 0x7f80_0000 }

    /// The cut, after all elements; `nil` where it does not lie between the bounds.
    ///
    /// - Parameter addresses: where the elements from a place on are.
    package func cut(
        _ addresses: (_ element: Int) -> (x: UnsafeRawPointer, base: UnsafeRawPointer)?
    ) -> MagnitudeCut? {
        let rest = wanted - above
        guard !band.overflow, rest >= 1 else { return nil }
        if rest > band.found, low == 1 { return MagnitudeCut(bits: 0, lastEqual: .max - 1) }
        guard rest <= band.found else { return nil }
        let noted = UnsafeBufferPointer(rebasing: memory.bits[..<band.found])
        var (cut, equal) = RawMerge.select(noted, rank: rest, in: low...high)
        // Places are not noted: the one that is wanted is found in what was added with it.
        var start = 0
        for (elements, end) in parts {
            let here = noted[start..<end].count { $0 == cut }
            if equal <= here { return place(equal, of: cut, in: elements, addresses) }
            equal -= here
            start = end
        }
        return nil
    }

    /// The cut of which so many equal elements of a range are kept.
    private func place(
        _ rank: Int,
        of bits: UInt32,
        in elements: Range<Int>,
        _ addresses: (_ element: Int) -> (x: UnsafeRawPointer, base: UnsafeRawPointer)?
    ) -> MagnitudeCut? {
        guard let (x, base) = addresses(elements.lowerBound) else { return nil }
        let magnitudes = [UInt32](unsafeUninitializedCapacity: elements.count) { memory, count in
            RawMerge.magnitudes(
                x,
                base: base,
                into: UnsafeMutableBufferPointer(rebasing: memory[..<elements.count])
            )
            count = elements.count
        }
        var left = rank
        for (index, value) in magnitudes.enumerated() where value == bits {
            left -= 1
            if left == 0 { return MagnitudeCut(bits: bits, lastEqual: elements.lowerBound + index) }
        }
        return nil
    }
}
