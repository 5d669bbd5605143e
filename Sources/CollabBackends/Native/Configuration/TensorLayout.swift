/// How a checkpoint stores a model's tensors: what must be known to find one and to make of it what the engine
/// multiplies with.
public struct TensorLayout: Hashable, Sendable {
    /// What the tensors are called.
    public var naming: TensorNaming
    /// Whether queries, keys and values are the rows of one matrix, in this order, and gate and up those of another.
    public var fusesProjections: Bool
    /// What is added to the weights of norms: 1 where they are stored as differences from 1.
    public var normOffset: Float

    /// Makes a layout.
    public init(naming: TensorNaming, fusesProjections: Bool = false, normOffset: Float = 0) {
        self.naming = naming
        self.fusesProjections = fusesProjections
        self.normOffset = normOffset
    }
}

/// Where a tensor of a model is in its checkpoint.
struct TensorPlace: Hashable {
    /// The stored tensor.
    var name: String
    /// Its shape.
    var storedShape: [Int]
    /// Which of its rows are the tensor's; all unless it is fused with others.
    var rows: Range<Int>
    /// What is added to its elements.
    var offset: Float = 0
}

extension TransformerConfiguration {
    /// Where a layer's tensor is; `nil` where this model has no such tensor.
    func place(of tensor: LayerTensor, in layer: Int) -> TensorPlace? {
        guard let shape = shape(of: tensor) else { return nil }
        let naming = layout.naming
        if layout.fusesProjections, let fused = fusion(of: tensor) {
            return TensorPlace(
                name: naming.name(of: fused.matrix, in: layer),
                storedShape: [fused.storedRows, shape[1]],
                rows: fused.firstRow..<fused.firstRow + shape[0]
            )
        }
        return TensorPlace(
            name: naming.name(of: tensor, in: layer, normalisingOutputs: normalisesBlockOutputs),
            storedShape: shape,
            rows: 0..<shape[0],
            offset: tensor.isNorm ? layout.normOffset : 0
        )
    }

    /// Where a tensor outside the layers is; `nil` where this model has no such tensor.
    func place(of tensor: ModelTensor) -> TensorPlace? {
        shape(of: tensor).map { shape in
            TensorPlace(
                name: tensor.name(layout.naming),
                storedShape: shape,
                rows: 0..<shape[0],
                offset: tensor == .outputNorm ? layout.normOffset : 0
            )
        }
    }

    /// The matrix that a tensor is fused into, and where its rows begin there.
    private func fusion(of tensor: LayerTensor) -> (matrix: FusedTensor, storedRows: Int, firstRow: Int)? {
        let attention = queryLength + 2 * keyValueLength
        return switch tensor {
        case .query: (.queriesKeysValues, attention, 0)
        case .key: (.queriesKeysValues, attention, queryLength)
        case .value: (.queriesKeysValues, attention, queryLength + keyValueLength)
        case .gate: (.gateAndUp, 2 * feedForwardLength, 0)
        case .up: (.gateAndUp, 2 * feedForwardLength, feedForwardLength)
        default: nil
        }
    }
}
