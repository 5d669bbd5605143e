/// Moves the base towards one member where the two are near: b + w (x − b) with w = t / |x − b|, at most 1.
///
/// A method of the alchemonaut collection of models, without a paper; the formula is mergekit's. Elements that differ by
/// no more than t are taken from the member, all others move by t. A difference counts as at least 1e-6.
public struct NearSwapMerge: MergeMethod {
    /// What is moved; `nil`: the first member.
    public var base: (any Checkpoint)?
    /// How far an element moves at most.
    public var t: MergeParameter

    /// Makes the method.
    public init(base: (any Checkpoint)? = nil, t: MergeParameter) {
        self.base = base
        self.t = t
    }

    /// The method's name.
    public var name: String { "NearSwap" }
    /// The base, or the first member.
    public var baseline: MergeBaseline { MergeBaseline(base) }

    /// Throws unless there is one member beside the base and t is a number of at least 0.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        guard memberCount == 1 else {
            throw CollabError(
                .invalidRequest,
                "NearSwap moves the base towards one member; there are \(memberCount)."
            )
        }
        try t.validate(
            "values of t",
            memberCount: 1,
            tensor: tensor,
            { $0 >= 0 && $0.isFinite },
            "must be finite and at least 0"
        )
    }

    /// The rule for one tensor.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        NearSwap(t: t.value(tensor: inputs.tensor.name))
    }

    /// Where nothing differs, nothing moves.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { true }
}

private struct NearSwap: TensorMerge {
    var t: Double

    func merge(_ slice: TensorSlice, into output: UnsafeMutableBufferPointer<Float>) {
        guard let base = slice.base, let member = slice.members.first else { return }
        for place in output.indices {
            let (start, end) = (Double(base[place]), Double(member[place]))
            let weight = max(0, min(1, t / max(abs(end - start), 1e-6)))
            output[place] = Float(weight * end + (1 - weight) * start)
        }
    }
}

extension MergeMethod where Self == NearSwapMerge {
    /// The base, moved towards a member where the two are near; see ``NearSwapMerge``.
    public static func nearSwap(base: (any Checkpoint)? = nil, t: MergeParameter) -> NearSwapMerge {
        NearSwapMerge(base: base, t: t)
    }
}
