internal import CollabKernels

/// SCE: select the elements on which the members differ most, calculate weights from what was selected, and erase
/// what disagrees with the majority's sign.
///
/// F. Wan et al., *FuseChat: Knowledge Fusion of Chat Models*, 2024. Below a share of 1, the variance of the task
/// vectors over the members is taken at every element, and ⌊share · n⌋ of the n elements whose variance is not 0 stay,
/// those of largest variance. A member's weight is the mean square of what stays of its task vector, divided by the sum
/// of all (equal weights if the sum is below 1e-6, mergekit's rule). The sign is that of Σ dᵢ, 0 being positive, and the
/// result is b + Σ w d / Σ w over the members that have it. Of equal variances the ones at the lowest indices stay.
public struct SCEMerge: MergeMethod {
    /// Where the task vectors are measured from; `nil`: the first member.
    public var base: (any Checkpoint)?
    /// The share of the elements that is selected (mergekit's `select_topk`).
    public var share: MergeParameter

    /// Makes the method.
    public init(base: (any Checkpoint)? = nil, share: MergeParameter = 1) {
        self.base = base
        self.share = share
    }

    /// The method's name.
    public var name: String { "SCE" }
    /// The base, or the first member.
    public var baseline: MergeBaseline { MergeBaseline(base) }

    /// Throws for a share outside of 0…1.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        try share.validate(
            "shares",
            memberCount: 1,
            tensor: tensor,
            { $0 >= 0 && $0 <= 1 },
            "must lie between 0 and 1"
        )
    }

    /// Selects the elements and calculates the weights.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        var merge = SelectedConsensus(weights: [])
        let share = share.value(tensor: inputs.tensor.name)
        if share < 1 { merge.selection = try inputs.selectVarying(share) }
        var squares = [Double](repeating: 0, count: inputs.members.count)
        try inputs.forEachSlice { (slice) throws(CollabError) in
            merge.withSelected(slice) { deltas in
                for (index, delta) in deltas.enumerated() {
                    squares[index] += MergeArithmetic.products(delta, delta).ab
                }
            }
        }
        let means = squares.map { $0 / Double(max(1, inputs.tensor.elementCount)) }
        let sum = means.reduce(0, +)
        merge.weights = means.map { sum < 1e-6 ? 1 / Double(means.count) : $0 / sum }
        return merge
    }

    /// Where nothing differs, the task vectors are 0.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { true }
}

/// The task vectors' selected elements, combined where they have the elected sign.
private struct SelectedConsensus: TensorMerge {
    enum Selection {
        case everything, nothing
        case varying(MagnitudeCut)
    }

    var selection = Selection.everything
    var weights: [Double]

    /// Computes a slice's task vectors and sets to 0 what is not selected.
    func withSelected(_ slice: TensorSlice, _ body: ([UnsafeBufferPointer<Float>]) -> Void) {
        let count = slice.elements.count
        let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: count * (slice.members.count + 1))
        defer { memory.deallocate() }
        let deltas = slice.deltas(in: memory)
        switch selection {
        case .everything: break
        case .nothing: memory.update(repeating: 0)
        case .varying(let cut):
            let start = count * slice.members.count
            let variances = UnsafeMutableBufferPointer(rebasing: memory[start..<(start + count)])
            variance(of: deltas, into: variances)
            MergeArithmetic.trim(variances, to: cut, first: slice.elements.lowerBound)
            for place in 0..<count where variances[place] == 0 {
                for member in slice.members.indices { memory[member * count + place] = 0 }
            }
        }
        body(deltas)
    }

    func merge(_ slice: TensorSlice, into output: UnsafeMutableBufferPointer<Float>) {
        guard let base = slice.base else { return }
        withSelected(slice) { deltas in
            MergeArithmetic.consensus(
                deltas,
                scales: deltas.map { _ in 1 },
                weights: weights,
                vote: .sum,
                combination: .weightedMean,
                factor: 1,
                base: base,
                into: output
            )
        }
    }
}

extension TensorInputs {
    /// Selects a share of the elements at which the task vectors differ, those of largest variance.
    fileprivate func selectVarying(_ share: Double) throws(CollabError) -> SelectedConsensus.Selection {
        let memory = UnsafeMutableBufferPointer<Float>.allocate(
            capacity: min(Self.blockSize, tensor.elementCount)
        )
        defer { memory.deallocate() }
        var differing = 0
        try forEachVectorSlice { deltas, elements in
            let variances = UnsafeMutableBufferPointer(rebasing: memory[..<elements.count])
            variance(of: deltas, into: variances)
            for value in variances where value != 0 { differing += 1 }
        }
        let count = Int(share * Double(differing))
        guard count > 0 else { return .nothing }
        var selection = MagnitudeSelection(count: count)
        while !selection.isDone {
            try forEachVectorSlice { deltas, elements in
                let variances = UnsafeMutableBufferPointer(rebasing: memory[..<elements.count])
                variance(of: deltas, into: variances)
                selection.add(UnsafeBufferPointer(variances))
            }
            selection.endPass()
        }
        return selection.cut.map { .varying($0) } ?? .nothing
    }
}

/// The variance over several vectors at every element, divided by their number.
private func variance(
    of vectors: [UnsafeBufferPointer<Float>],
    into output: UnsafeMutableBufferPointer<Float>
) {
    let share = 1 / Double(vectors.count)
    for place in output.indices {
        var (sum, deviation) = (0.0, 0.0)
        for vector in vectors { sum += Double(vector[place]) }
        let mean = sum * share
        for vector in vectors {
            let difference = Double(vector[place]) - mean
            deviation += difference * difference
        }
        output[place] = Float(deviation * share)
    }
}

extension MergeMethod where Self == SCEMerge {
    /// Select what varies, calculate weights, erase the minority's signs; see ``SCEMerge``.
    public static func sce(base: (any Checkpoint)? = nil, share: MergeParameter = 1) -> SCEMerge {
        SCEMerge(base: base, share: share)
    }
}
