/// One member's weights times a scale, which may differ between tensors: s · x.
///
/// mergekit's passthrough for a model without slices. A scale of 0 for `o_proj` and `down_proj` takes a layer out of a
/// model of residual blocks.
public struct PassthroughMerge: MergeMethod {
    /// What the weights are multiplied by.
    public var scale: MergeParameter

    /// Makes the method.
    public init(scale: MergeParameter = 1) {
        self.scale = scale
    }

    /// The method's name.
    public var name: String { "passthrough" }
    /// There is no base.
    public var baseline: MergeBaseline { .none }

    /// Throws unless there is one member and the scale is finite.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        guard memberCount == 1 else {
            throw CollabError(
                .invalidRequest,
                "Passthrough takes the weights of one member; there are \(memberCount)."
            )
        }
        try scale.validate("scales", memberCount: 1, tensor: tensor)
    }

    /// The rule for one tensor.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        WeightedSum(weights: [scale.value(tensor: inputs.tensor.name)])
    }

    /// Whether the scale is 1.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { scale.value(tensor: tensor) == 1 }
}

extension MergeMethod where Self == PassthroughMerge {
    /// One member's weights times a scale; see ``PassthroughMerge``.
    public static func passthrough(scale: MergeParameter = 1) -> PassthroughMerge {
        PassthroughMerge(scale: scale)
    }
}
