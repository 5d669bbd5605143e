/// MagMax: of each element's changes the largest wins: b + λ dᵢ with the i of largest |dᵢ|.
///
/// D. Marczak et al., *MagMax: Leveraging Model Merging for Seamless Continual Learning*, 2024. Of equal magnitudes the
/// later member's is taken. With ``electsSign``, only changes that have the sign of Σ dᵢ take part and a sum of 0 gives 0:
/// the unified task vector of C. Huang et al., *EMR-Merging: Tuning-Free High-Performance Model Merging*, 2024;
/// ``TaskMaskMerge`` gives the model of one task out of it.
public struct MagMaxMerge: MergeMethod {
    /// Where the task vectors are measured from; `nil`: the first member.
    public var base: (any Checkpoint)?
    /// The factor of the merged task vector.
    public var lambda: MergeParameter
    /// Whether only changes with the sign of their sum take part.
    public var electsSign: Bool

    /// Makes the method.
    public init(base: (any Checkpoint)? = nil, lambda: MergeParameter = 0.5, electsSign: Bool = false) {
        self.base = base
        self.lambda = lambda
        self.electsSign = electsSign
    }

    /// The method's name.
    public var name: String { electsSign ? "EMR" : "MagMax" }
    /// The base, or the first member.
    public var baseline: MergeBaseline { MergeBaseline(base) }

    /// Throws for a λ that is not finite.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        try lambda.validate("values of λ", memberCount: 1, tensor: tensor)
    }

    /// The rule for one tensor.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        LargestChange(lambda: lambda.value(tensor: inputs.tensor.name), electsSign: electsSign)
    }

    /// Where nothing differs, the task vectors are 0.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { true }
}

private struct LargestChange: TensorMerge {
    var lambda: Double
    var electsSign: Bool

    func merge(_ slice: TensorSlice, into output: UnsafeMutableBufferPointer<Float>) {
        guard let base = slice.base else { return }
        for place in output.indices {
            let start = base[place]
            var largest: Float = 0
            if electsSign {
                largest = electedChange(slice.members, at: place, from: start)
            } else {
                for member in slice.members where abs(member[place] - start) >= abs(largest) {
                    largest = member[place] - start
                }
            }
            output[place] = Float(Double(start) + lambda * Double(largest))
        }
    }
}

extension MergeMethod where Self == MagMaxMerge {
    /// The largest change of each element; see ``MagMaxMerge``.
    public static func magMax(base: (any Checkpoint)? = nil, lambda: MergeParameter = 0.5) -> MagMaxMerge {
        MagMaxMerge(base: base, lambda: lambda)
    }

    /// The largest change of each element that has the elected sign; see ``MagMaxMerge``.
    public static func emr(base: (any Checkpoint)? = nil, lambda: MergeParameter = 1) -> MagMaxMerge {
        MagMaxMerge(base: base, lambda: lambda, electsSign: true)
    }
}
