internal import CollabKernels

extension TensorInputs {
    /// Reads one member's task vector of the whole tensor, slice by slice, in order.
    func forEachDelta(
        of member: Int,
        _ body: (UnsafeMutableBufferPointer<Float>, _ first: Int) -> Void
    ) throws(CollabError) {
        let pair = TensorInputs(tensor: tensor, members: [members[member]], base: base)
        let memory = UnsafeMutableBufferPointer<Float>.allocate(
            capacity: min(Self.blockSize, tensor.elementCount)
        )
        defer { memory.deallocate() }
        try pair.forEachSlice { (slice) throws(CollabError) in
            guard let base = slice.base else { return }
            let delta = UnsafeMutableBufferPointer(rebasing: memory[..<slice.elements.count])
            MergeArithmetic.delta(slice.members[0], from: base, into: delta)
            body(delta, slice.elements.lowerBound)
        }
    }

    /// Keeps the largest magnitudes of a member's task vector: ⌊density · n⌋ of them, but at least one; none for a
    /// density of 0 or less, all from 1 on.
    func keepLargest(density: Double, of member: Int) throws(CollabError) -> Thinning.Rule {
        guard density > 0 else { return .nothing }
        let count = tensor.elementCount
        guard density < 1, count > 0 else { return .everything }
        let cuts = try magnitudeCuts([max(1, Int(density * Double(count)))], of: member)
        return cuts[0].map { .magnitude($0) } ?? .everything
    }

    /// Where a member's task vector is cut so that so many of its largest magnitudes are kept; the counts must lie
    /// between 1 and the number of elements.
    func magnitudeCuts(_ counts: [Int], of member: Int) throws(CollabError) -> [MagnitudeCut?] {
        var selections = counts.map { MagnitudeSelection(count: $0) }
        while selections.contains(where: { !$0.isDone }) {
            try forEachDelta(of: member) { delta, _ in
                for index in selections.indices { selections[index].add(UnsafeBufferPointer(delta)) }
            }
            for index in selections.indices { selections[index].endPass() }
        }
        return selections.map(\.cut)
    }

    /// A thinning with its scale.
    func thinning(
        _ rule: Thinning.Rule,
        of member: Int,
        rescaling: TaskRescaling,
        density: Double
    ) throws(CollabError) -> Thinning {
        var thinning = Thinning(rule: rule)
        switch (rescaling, rule) {
        case (.none, _), (_, .everything), (_, .nothing): break
        case (.inverseDensity, _): thinning.scale = 1 / density
        case (.l1, _):
            var (before, after) = (0.0, 0.0)
            try forEachDelta(of: member) { delta, first in
                before += MergeArithmetic.l1(UnsafeBufferPointer(delta))
                thinning.apply(to: delta, first: first)
                after += MergeArithmetic.l1(UnsafeBufferPointer(delta))
            }
            if before >= 1e-7, after >= 1e-7 { thinning.scale = before / after }
        }
        return thinning
    }
}

extension TensorSlice {
    /// Computes the members' task vectors; the memory must hold as many slices as there are members.
    func deltas(in memory: UnsafeMutableBufferPointer<Float>) -> [UnsafeBufferPointer<Float>] {
        guard let base else { return [] }
        return members.enumerated().map { index, member in
            let start = index * elements.count
            let delta = UnsafeMutableBufferPointer(rebasing: memory[start..<(start + elements.count)])
            MergeArithmetic.delta(member, from: base, into: delta)
            return UnsafeBufferPointer(delta)
        }
    }
}
