/// The tensors of a layer.
enum LayerTensor: CaseIterable {
    case attentionNorm
    case query
    case key
    case value
    case queryBias
    case keyBias
    case valueBias
    case attentionOutput
    case attentionOutputBias
    case queryNorm
    case keyNorm
    case postAttentionNorm
    case feedForwardNorm
    case gate
    case up
    case down
    case postFeedForwardNorm

    /// Whether this is the weight of a norm.
    var isNorm: Bool {
        switch self {
        case .attentionNorm, .queryNorm, .keyNorm, .postAttentionNorm, .feedForwardNorm, .postFeedForwardNorm:
            true
        case .query, .key, .value, .queryBias, .keyBias, .valueBias, .attentionOutput, .attentionOutputBias,
            .gate, .up, .down:
            false
        }
    }
}

/// The tensors outside the layers.
enum ModelTensor: CaseIterable {
    case embedding
    case outputNorm
    case output
}

extension TransformerConfiguration {
    /// The shape of a layer's tensor; `nil` where this model has no such tensor.
    func shape(of tensor: LayerTensor) -> [Int]? {
        switch tensor {
        case .attentionNorm, .feedForwardNorm: [embeddingLength]
        case .query: [queryLength, embeddingLength]
        case .key, .value: [keyValueLength, embeddingLength]
        case .queryBias: hasProjectionBiases ? [queryLength] : nil
        case .keyBias, .valueBias: hasProjectionBiases ? [keyValueLength] : nil
        case .attentionOutput: [embeddingLength, queryLength]
        case .attentionOutputBias: hasAttentionOutputBias ? [embeddingLength] : nil
        case .queryNorm, .keyNorm: normalisesQueriesAndKeys ? [headDimension] : nil
        case .postAttentionNorm, .postFeedForwardNorm: normalisesBlockOutputs ? [embeddingLength] : nil
        case .gate, .up: [feedForwardLength, embeddingLength]
        case .down: [embeddingLength, feedForwardLength]
        }
    }

    /// The shape of a tensor outside the layers; `nil` where this model has no such tensor.
    func shape(of tensor: ModelTensor) -> [Int]? {
        switch tensor {
        case .embedding: [vocabularySize, embeddingLength]
        case .outputNorm: [embeddingLength]
        case .output: tiesOutput ? nil : [vocabularySize, embeddingLength]
        }
    }
}
