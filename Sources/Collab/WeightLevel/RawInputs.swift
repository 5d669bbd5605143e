internal import CollabKernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The inputs of a tensor as they are stored, where all of them are in bfloat16: most large models are, and merging them
/// waits for memory more than for arithmetic.
struct RawInputs {
    private let members: [TensorStorage]
    private let base: TensorStorage?
    private let shelf: BandShelf
    let elementCount: Int

    /// `nil` where an input is computed, or stored otherwise.
    init?(_ inputs: TensorInputs) {
        guard (1..<RawMerge.mostMembers).contains(inputs.members.count) else { return nil }
        let count = inputs.tensor.elementCount
        func stored(_ checkpoint: any Checkpoint) -> TensorStorage? {
            checkpoint.storage(of: inputs.tensor.name).flatMap { storage in
                storage.format == .bf16 && storage.bytes.count == 2 * count ? storage : nil
            }
        }
        members = inputs.members.compactMap { stored($0) }
        guard members.count == inputs.members.count, count > 0 else { return nil }
        elementCount = count
        shelf = inputs.wholeModel.bands
        guard let base = inputs.base else {
            self.base = nil
            return
        }
        guard let storage = stored(base) else { return nil }
        self.base = storage
    }

    /// Where the elements from a place on are; valid while these inputs live.
    func addresses(at element: Int) -> (members: [UnsafeRawPointer], base: UnsafeRawPointer?) {
        func address(_ storage: TensorStorage) -> UnsafeRawPointer? {
            storage.bytes.baseAddress.map { $0 + 2 * element }
        }
        return (members.compactMap { address($0) }, base.flatMap { address($0) })
    }

    /// Whether a range of all inputs is of finite numbers.
    func isFinite(_ elements: Range<Int>) -> Bool {
        (members + (base.map { [$0] } ?? [])).allSatisfy {
            TensorConversion.isFinite(.bf16, bytes: $0.bytes, elements: elements)
        }
    }

    /// Throws ``CollabError/Code/inputOutput`` if a file has changed since it was opened.
    func checkUnchanged() throws(CollabError) {
        for storage in members + (base.map { [$0] } ?? []) { try storage.checkUnchanged() }
    }

    /// Goes through the tensor in blocks, from its first element on or from its last block back.
    func forEachBlock(lastToFirst: Bool = false, _ body: (Range<Int>) -> Void) throws(CollabError) {
        let size = TensorInputs.blockSize
        let count = (elementCount + size - 1) / size
        for index in 0..<count {
            try checkCancellation()
            let start = size * (lastToFirst ? count - 1 - index : index)
            body(start..<min(start + size, elementCount))
        }
        try checkUnchanged()
    }
}

/// Where a rule that reads its inputs as they are stored puts its results.
enum RawOutput {
    case floats(UnsafeMutableBufferPointer<Float>)
    /// Rounded to bfloat16, two bytes an element.
    case halves(UnsafeMutableRawBufferPointer)
}

/// A rule that can also read its inputs as they are stored.
protocol RawTensorMerge: TensorMerge {
    /// Merges elements from a multiple of 128 on; `false` if it cannot.
    func merge(_ inputs: RawInputs, _ elements: Range<Int>, into output: RawOutput) -> Bool
}

extension RawOutput {
    /// Σ weightᵢ · memberᵢ.
    func setWeighted(_ members: [UnsafeRawPointer], weights: [Double]) {
        switch self {
        case .floats(let out): RawMerge.weighted(members, weights: weights, into: out)
        case .halves(let out): RawMerge.weighted(members, weights: weights, rounding: out)
        }
    }

    /// The base and a combination of the members' task vectors.
    func setTasks(_ members: [UnsafeRawPointer], base: UnsafeRawPointer, _ combination: RawCombination) {
        switch self {
        case .floats(let out): RawMerge.tasks(members, base: base, combination, into: out)
        case .halves(let out): RawMerge.tasks(members, base: base, combination, rounding: out)
        }
    }
}

extension RawInputs {
    /// The inner products of the members, or of their task vectors if there is a base; `nil` if they are not finite.
    func gramMatrix() throws(CollabError) -> GramMatrix? {
        var sums = [Double](repeating: 0, count: members.count * members.count)
        // What is read last is still near when the merge, which begins with the first elements, reads everything again.
        try forEachBlock(lastToFirst: true) { range in
            let (members, base) = addresses(at: range.lowerBound)
            RawMerge.gram(members, base: base, count: range.count, into: &sums)
        }
        guard sums.allSatisfy(\.isFinite) else { return nil }
        var matrix = GramMatrix(count: members.count)
        matrix.products = sums
        return matrix
    }

    /// Where the members' task vectors are cut so that so many of their largest magnitudes are kept; `nil` for a member
    /// with no number, and for all where one pass does not tell.
    func magnitudeCuts(_ counts: [Int?]) throws(CollabError) -> [MagnitudeCut?]? {
        var selections: [BandSelection?] = []
        let memories = shelf.take(counts.count)
        defer { shelf.give(memories) }
        for (member, count) in counts.enumerated() {
            guard let count else {
                selections.append(nil)
                continue
            }
            let selection = sample(of: member).withUnsafeBufferPointer {
                BandSelection(count: count, of: elementCount, sample: $0, memory: memories[member])
            }
            guard let selection else { return nil }
            selections.append(selection)
        }
        try forEachBlock { range in
            let (members, base) = addresses(at: range.lowerBound)
            guard let base else { return }
            for index in selections.indices {
                selections[index]?.add(
                    members[index],
                    base: base,
                    count: range.count,
                    first: range.lowerBound
                )
            }
        }
        var cuts: [MagnitudeCut?] = []
        for (member, selection) in selections.enumerated() {
            guard let selection else {
                cuts.append(nil)
                continue
            }
            let cut = selection.cut { element in
                let (members, base) = addresses(at: element)
                return base.map { (members[member], $0) }
            }
            guard selection.isFinite, let cut else { return nil }
            cuts.append(cut)
        }
        return cuts
    }

    /// Magnitudes of a task vector's elements in short runs spread over it.
    private func sample(of member: Int) -> [UInt32] {
        // A larger sample takes longer, and a smaller one leaves more elements between its bounds: as many as the
        // square root says. The sum is least near this, and what is between the bounds of 600 million fits.
        let size = max(Int(pow(1.5 * Double(elementCount), 2.0 / 3)), 1 << 13)
        let runs = min(size, elementCount) / RawMerge.run
        let (members, base) = addresses(at: 0)
        guard runs > 0, let base else { return [] }
        return RawMerge.sample(members[member], base: base, of: elementCount, runs: runs)
    }

    /// Which elements of a member a random rule keeps, and the sums of all magnitudes and of those kept.
    ///
    /// - Parameter isHeld: whether to give the former, a bit an element.
    func drawn(
        member: Int,
        density: Double,
        key: UInt64,
        stream: Int,
        holding isHeld: Bool
    ) throws(CollabError) -> (bits: [UInt64]?, all: Double, kept: Double) {
        let count = isHeld ? elementCount : min(elementCount, TensorInputs.blockSize)
        var bits = [UInt64](repeating: 0, count: (count + 127) / 128 * 2)
        var (all, kept) = (0.0, 0.0)
        try bits.withUnsafeMutableBufferPointer { (bits) throws(CollabError) in
            guard let words = bits.baseAddress else { return }
            try forEachBlock { range in
                let target = isHeld ? words + range.lowerBound / 64 : words
                RawMerge.draw(
                    first: range.lowerBound,
                    count: range.count,
                    density: density,
                    key: key,
                    stream: stream,
                    into: target
                )
                let (members, base) = addresses(at: range.lowerBound)
                guard let base else { return }
                let sums = RawMerge.sums(members[member], base: base, count: range.count, kept: target)
                all += sums.all
                kept += sums.kept
            }
        }
        return (isHeld ? bits : nil, all, kept)
    }
}

/// Memory that tensors hand on to those after them.
final class BandShelf: Sendable {
    // Sendable: whoever takes a memory has it alone.
    private struct Slot: @unchecked Sendable {
        var memory: BandMemory
    }
    private let spare = Protected<[Slot]>([])

    func take(_ count: Int) -> [BandMemory] {
        let known = spare.withLock { spare in
            let taken = Array(spare.suffix(count))
            spare.removeLast(taken.count)
            return taken
        }
        return known.map(\.memory) + (known.count..<count).map { _ in BandMemory() }
    }

    func give(_ memories: [BandMemory]) {
        let slots = memories.map { Slot(memory: $0) }
        spare.withLock { $0 += slots }
    }
}
