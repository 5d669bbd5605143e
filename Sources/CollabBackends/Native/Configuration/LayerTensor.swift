/// The tensors of a layer, by their names in GGUF.
enum LayerTensor: String, CaseIterable {
    case attentionNorm = "attn_norm"
    case query = "attn_q"
    case key = "attn_k"
    case value = "attn_v"
    case attentionOutput = "attn_output"
    case queryNorm = "attn_q_norm"
    case keyNorm = "attn_k_norm"
    case postAttentionNorm = "post_attention_norm"
    case feedForwardNorm = "ffn_norm"
    case gate = "ffn_gate"
    case up = "ffn_up"
    case down = "ffn_down"
    case postFeedForwardNorm = "post_ffw_norm"

    /// The name of the tensor in layer `index`.
    func name(_ index: Int) -> String { "blk.\(index).\(rawValue).weight" }
}

/// The tensors outside the layers, by their names in GGUF.
enum ModelTensor {
    static let embedding = "token_embd.weight"
    static let outputNorm = "output_norm.weight"
    static let output = "output.weight"
    /// Divisors of the rotation frequencies, one a pair (llama 3).
    static let rotationFactors = "rope_freqs.weight"
}

extension TransformerConfiguration {
    /// The shape that a layer's tensor must have; `nil` where this model has no such tensor.
    func shape(of tensor: LayerTensor) -> [Int]? {
        switch tensor {
        case .attentionNorm, .feedForwardNorm: [embeddingLength]
        case .query: [queryLength, embeddingLength]
        case .key, .value: [keyValueLength, embeddingLength]
        case .attentionOutput: [embeddingLength, queryLength]
        case .queryNorm, .keyNorm: normalisesQueriesAndKeys ? [headDimension] : nil
        case .postAttentionNorm, .postFeedForwardNorm: normalisesBlockOutputs ? [embeddingLength] : nil
        case .gate, .up: [feedForwardLength, embeddingLength]
        case .down: [embeddingLength, feedForwardLength]
        }
    }
}
