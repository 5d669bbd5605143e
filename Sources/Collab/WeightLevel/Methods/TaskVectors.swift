internal import CollabKernels

extension TensorInputs {
    /// Reads the task vectors of some members, slice by slice, in order, as long as it is asked to go on.
    func forEachDelta(
        of chosen: [Int],
        _ body: ([UnsafeMutableBufferPointer<Float>], _ first: Int) throws(CollabError) -> Bool
    ) throws(CollabError) {
        guard !chosen.isEmpty else { return }
        let inputs = TensorInputs(
            tensor: tensor,
            members: chosen.map { members[$0] },
            base: base,
            requiresFinite: requiresFinite
        )
        let size = min(Self.blockSize, tensor.elementCount)
        let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: size * chosen.count)
        defer { memory.deallocate() }
        try inputs.readSlices(while: { (slice) throws(CollabError) -> Bool in
            guard let base = slice.base else { return false }
            let count = slice.elements.count
            let deltas = chosen.indices.map { place in
                UnsafeMutableBufferPointer(rebasing: memory[place * size..<place * size + count])
            }
            for (delta, member) in zip(deltas, slice.members) {
                MergeArithmetic.delta(member, from: base, into: delta)
            }
            return try body(deltas, slice.elements.lowerBound)
        })
    }

    /// Keeps the largest magnitudes of every member's task vector: ⌊density · n⌋ of them, but at least one; none for a
    /// density of 0 or less, all from 1 on.
    func keepLargest(densities: [Double]) throws(CollabError) -> [Thinning.Rule] {
        let count = tensor.elementCount
        let counts = densities.map { density -> [Int] in
            density > 0 && density < 1 && count > 0 ? [max(1, Int(density * Double(count)))] : []
        }
        let single = counts.map(\.first)
        if single.contains(where: { $0 != nil }), let found = try RawInputs(self)?.magnitudeCuts(single) {
            return densities.indices.map { member in
                if densities[member] <= 0 { return .nothing }
                return found[member].map { .magnitude($0) } ?? .everything
            }
        }
        let cuts = try magnitudeCuts(counts)
        return densities.indices.map { member in
            if densities[member] <= 0 { return .nothing }
            return cuts[member].first.map { .magnitude($0) } ?? .everything
        }
    }

    /// Where every member's task vector is cut so that so many of its largest magnitudes are kept; the counts must lie
    /// between 1 and the number of elements. All members are measured in the same passes over the base.
    func magnitudeCuts(_ counts: [[Int]]) throws(CollabError) -> [[MagnitudeCut]] {
        var selections = counts.map { $0.map { MagnitudeSelection(count: $0) } }
        while true {
            let open = selections.indices.filter { selections[$0].contains { !$0.isDone } }
            if open.isEmpty { return selections.map { $0.compactMap(\.cut) } }
            try forEachDelta(of: open) { deltas, _ in
                for (place, member) in open.enumerated() {
                    for index in selections[member].indices {
                        selections[member][index].add(UnsafeBufferPointer(deltas[place]))
                    }
                }
                return open.contains { member in selections[member].contains { !$0.isDone } }
            }
            for member in open {
                for index in selections[member].indices { selections[member][index].endPass() }
            }
        }
    }

    /// Thinnings with their scales, one a member.
    ///
    /// - Parameter masks: whether what is drawn for them is written down.
    func thinnings(
        _ rules: [Thinning.Rule],
        rescaling: TaskRescaling,
        densities: [Double],
        masks: DrawnMasks = DrawnMasks()
    ) throws(CollabError) -> [Thinning] {
        var thinnings = rules.map { Thinning(rule: $0) }
        let thinned = rules.indices.filter { member in
            switch rules[member] {
            case .everything, .nothing: false
            default: true
            }
        }
        switch rescaling {
        case .none: break
        case .inverseDensity: for member in thinned { thinnings[member].scale = 1 / densities[member] }
        case .l1:
            if let drawn = try drawnThinnings(rules, masks) { return drawn }
            var sums = rules.map { _ in (before: 0.0, after: 0.0) }
            try forEachDelta(of: thinned) { (deltas, first) throws(CollabError) in
                for (place, member) in thinned.enumerated() {
                    sums[member].before += MergeArithmetic.l1(UnsafeBufferPointer(deltas[place]))
                    try thinnings[member].apply(to: deltas[place], first: first)
                    sums[member].after += MergeArithmetic.l1(UnsafeBufferPointer(deltas[place]))
                }
                return true
            }
            for member in thinned { thinnings[member].isMeasured = true }
            for member in thinned where sums[member].before >= 1e-7 && sums[member].after >= 1e-7 {
                thinnings[member].scale = sums[member].before / sums[member].after
            }
        }
        return thinnings
    }
}

extension TensorInputs {
    /// Random thinnings of weights in bfloat16, whose choice is written down, if it may be, so that it is made once; `nil` for others.
    private func drawnThinnings(
        _ rules: [Thinning.Rule],
        _ masks: DrawnMasks
    ) throws(CollabError) -> [Thinning]? {
        guard let raw = RawInputs(self), raw.elementCount <= 1 << 30 else { return nil }
        var thinnings: [Thinning] = []
        let isHeld = masks.areHeld(of: tensor, memberCount: rules.count)
        for (member, rule) in rules.enumerated() {
            switch rule {
            case .everything, .nothing: thinnings.append(Thinning(rule: rule))
            case .random(let density, let key, let stream):
                let drawn = try raw.drawn(
                    member: member,
                    density: density,
                    key: key,
                    stream: stream,
                    holding: isHeld
                )
                // Something is not finite; the slower way says what.
                guard drawn.all.isFinite else { return nil }
                let isScaled = drawn.all >= 1e-7 && drawn.kept >= 1e-7
                thinnings.append(
                    Thinning(
                        rule: drawn.bits.map { .chosen(bits: $0) } ?? rule,
                        scale: isScaled ? drawn.all / drawn.kept : 1,
                        isMeasured: true
                    )
                )
            default: return nil
            }
        }
        return thinnings
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
