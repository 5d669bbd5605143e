/// The model of one task out of a merge that keeps a mask for every task: a part of what all members have changed, namely
/// what matters to one of them.
///
/// One change is stored for all tasks and a bit an element for each, so that the models of many tasks take little more
/// room than one; which task it is has to be known when the model is run. ``Mask`` says how the change is put together and
/// what is a task's part of it.
public struct TaskMaskMerge: MergeMethod {
    /// What is shared, and which part of it is a task's.
    public enum Mask: Hashable, Sendable {
        /// The largest change of each element among those that have the sign of Σ dᵢ; a task's are those of the sign of its
        /// own dᵢ, times Σ |dᵢ| over the sum of their magnitudes, both over the whole model (C. Huang et al., *EMR-Merging:
        /// Tuning-Free High-Performance Model Merging*, 2024).
        case elected
        /// τ = Σ dᵢ; a task's elements are those where |dᵢ| > θ |τ − dᵢ| (K. Wang et al., *Localizing Task Information for
        /// Improved Model Merging and Compression*, 2024: TALL masks, with θ between 0.2 and 0.6).
        case tall(threshold: Double)
    }

    /// Where the task vectors are measured from; `nil`: the first member.
    public var base: (any Checkpoint)?
    /// The member whose task it is, counted from 0.
    public var task: Int
    /// What is shared, and which part of it is the task's.
    public var mask: Mask

    /// Makes the method.
    public init(base: (any Checkpoint)? = nil, task: Int, mask: Mask) {
        self.base = base
        self.task = task
        self.mask = mask
    }

    /// The method's name.
    public var name: String { mask == .elected ? "EMR" : "TALL mask" }
    /// The base, or the first member.
    public var baseline: MergeBaseline { MergeBaseline(base) }

    /// Throws for a task of no member and a threshold that is negative or not finite.
    public func validate(memberCount: Int) throws(CollabError) {
        guard (0..<memberCount).contains(task) else {
            throw CollabError(
                .invalidRequest,
                "There is no task \(task) in a merge of \(memberCount) members, which are counted from 0."
            )
        }
        if case .tall(let threshold) = mask, !(threshold >= 0 && threshold.isFinite) {
            throw CollabError(
                .invalidRequest,
                "The threshold of a mask is finite and at least 0, not \(threshold)."
            )
        }
    }

    /// Measures the scale of an elected mask, once for the whole model.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        switch mask {
        case .elected:
            ElectedPart(task: task, scale: try inputs.wholeModel.electedScale(for: inputs, task: task))
        case .tall(let threshold): TallPart(task: task, threshold: threshold)
        }
    }

    /// Where nothing differs, the task vectors are 0.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { true }
}

/// The change of largest magnitude among those that have the sign of their sum; of equal ones the last, and 0 where the
/// changes cancel.
func electedChange(_ members: [UnsafeBufferPointer<Float>], at place: Int, from start: Float) -> Float {
    var sum = 0.0
    for member in members { sum += Double(member[place] - start) }
    var largest: Float = 0
    for member in members {
        let change = member[place] - start
        if Double(change) * sum > 0, abs(change) >= abs(largest) { largest = change }
    }
    return largest
}

private struct ElectedPart: TensorMerge {
    var task: Int
    var scale: Double

    func merge(_ slice: TensorSlice, into output: UnsafeMutableBufferPointer<Float>) {
        guard let base = slice.base else { return }
        for place in output.indices {
            let start = base[place]
            let change = electedChange(slice.members, at: place, from: start)
            let isOwn = change * (slice.members[task][place] - start) > 0
            output[place] = isOwn ? Float(Double(start) + scale * Double(change)) : start
        }
    }
}

private struct TallPart: TensorMerge {
    var task: Int
    var threshold: Double

    func merge(_ slice: TensorSlice, into output: UnsafeMutableBufferPointer<Float>) {
        guard let base = slice.base else { return }
        for place in output.indices {
            let start = base[place]
            var sum = 0.0
            for member in slice.members { sum += Double(member[place] - start) }
            let own = Double(slice.members[task][place] - start)
            output[place] = abs(own) > threshold * abs(sum - own) ? Float(Double(start) + sum) : start
        }
    }
}

extension MergeMethod where Self == TaskMaskMerge {
    /// The model of one task under EMR's mask and scale; see ``TaskMaskMerge``.
    public static func emr(base: (any Checkpoint)? = nil, task: Int) -> TaskMaskMerge {
        TaskMaskMerge(base: base, task: task, mask: .elected)
    }

    /// The model of one task under its TALL mask; see ``TaskMaskMerge``.
    public static func tallMask(
        base: (any Checkpoint)? = nil,
        task: Int,
        threshold: Double = 0.4
    ) -> TaskMaskMerge {
        TaskMaskMerge(base: base, task: task, mask: .tall(threshold: threshold))
    }
}
