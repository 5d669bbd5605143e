/// Consensus merging: of the sum of the task vectors, only elements that matter to several members are kept.
///
/// K. Wang et al., *Localizing Task Information for Improved Model Merging and Compression*, 2024. With τ = Σ dᵢ, an
/// element matters to member i if |dᵢ| > θᵢ |τ − dᵢ| (its TALL mask), and the result is b + λ τ where it matters to at
/// least so many members, and b elsewhere. The paper chooses θ between 0.2 and 0.6 on validation data.
public struct ConsensusMerge: MergeMethod {
    /// Where the task vectors are measured from; `nil`: the first member.
    public var base: (any Checkpoint)?
    /// The θ of each member: the larger, the fewer elements matter to it.
    public var thresholds: MergeParameter
    /// To how many members an element must matter.
    public var minimumMembers: Int
    /// The factor of the merged task vector.
    public var lambda: MergeParameter

    /// Makes the method.
    public init(
        base: (any Checkpoint)? = nil,
        thresholds: MergeParameter = 0.4,
        minimumMembers: Int = 2,
        lambda: MergeParameter = 1
    ) {
        self.base = base
        self.thresholds = thresholds
        self.minimumMembers = minimumMembers
        self.lambda = lambda
    }

    /// The method's name.
    public var name: String { "consensus" }
    /// The base, or the first member.
    public var baseline: MergeBaseline { MergeBaseline(base) }

    /// Throws for a wrong number of values of θ, numbers that are negative or not finite, or more members that are
    /// needed than there are.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        try thresholds.validate(
            "values of θ",
            memberCount: memberCount,
            tensor: tensor,
            { $0 >= 0 && $0.isFinite },
            "must be finite and at least 0"
        )
        try lambda.validate("values of λ", memberCount: 1, tensor: tensor)
        guard (0...memberCount).contains(minimumMembers) else {
            throw CollabError(
                .invalidRequest,
                "An element cannot matter to \(minimumMembers) of \(memberCount) members of a consensus merge."
            )
        }
    }

    /// The rule for one tensor.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        let tensor = inputs.tensor.name
        return MaskedSum(
            thresholds: thresholds.values(tensor: tensor, memberCount: inputs.members.count),
            minimumMembers: minimumMembers,
            lambda: lambda.value(tensor: tensor)
        )
    }

    /// Where nothing differs, the task vectors are 0.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { true }
}

private struct MaskedSum: TensorMerge {
    var thresholds: [Double]
    var minimumMembers: Int
    var lambda: Double

    func merge(_ slice: TensorSlice, into output: UnsafeMutableBufferPointer<Float>) {
        guard let base = slice.base else { return }
        for place in output.indices {
            let start = base[place]
            var sum = 0.0
            for member in slice.members { sum += Double(member[place] - start) }
            var count = 0
            for (index, member) in slice.members.enumerated() {
                let delta = Double(member[place] - start)
                if abs(delta) > thresholds[index] * abs(sum - delta) { count += 1 }
            }
            output[place] = count >= minimumMembers ? Float(Double(start) + lambda * sum) : start
        }
    }
}

extension MergeMethod where Self == ConsensusMerge {
    /// Of the sum of the task vectors, what matters to several members; see ``ConsensusMerge``.
    public static func consensus(
        base: (any Checkpoint)? = nil,
        thresholds: MergeParameter = 0.4,
        minimumMembers: Int = 2,
        lambda: MergeParameter = 1
    ) -> ConsensusMerge {
        ConsensusMerge(base: base, thresholds: thresholds, minimumMembers: minimumMembers, lambda: lambda)
    }
}
