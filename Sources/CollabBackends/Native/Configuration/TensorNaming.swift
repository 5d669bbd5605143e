/// What checkpoints call the tensors of a model.
public enum TensorNaming: Hashable, Sendable {
    /// As llama.cpp's converters do: `blk.0.attn_q.weight`.
    case gguf
    /// As transformers does: `model.layers.0.self_attn.q_proj.weight`.
    case huggingFace
}

/// The matrices of a layer that several tensors are stored in.
enum FusedTensor {
    case queriesKeysValues
    case gateAndUp
}

extension TensorNaming {
    /// The name of a layer's tensor.
    ///
    /// - Parameter normalisingOutputs: whether the model also normalises what its blocks put out, as Gemma does; then
    ///   transformers calls the norms by other names.
    func name(of tensor: LayerTensor, in layer: Int, normalisingOutputs: Bool) -> String {
        switch self {
        case .gguf: "blk.\(layer).\(tensor.ggufName)"
        case .huggingFace: "model.layers.\(layer).\(tensor.huggingFaceName(normalisingOutputs))"
        }
    }

    /// The name of a matrix that several tensors are stored in.
    func name(of fused: FusedTensor, in layer: Int) -> String {
        switch (self, fused) {
        case (.gguf, .queriesKeysValues): "blk.\(layer).attn_qkv.weight"
        case (.gguf, .gateAndUp): "blk.\(layer).ffn_up.weight"
        case (.huggingFace, .queriesKeysValues): "model.layers.\(layer).self_attn.qkv_proj.weight"
        case (.huggingFace, .gateAndUp): "model.layers.\(layer).mlp.gate_up_proj.weight"
        }
    }

    /// Whether a tensor can be left aside: buffers that old files hold and that are worked out here.
    func isBuffer(_ name: String) -> Bool {
        switch self {
        case .gguf: RotationDivisors(rawValue: name) != nil
        case .huggingFace: name.hasSuffix("rotary_emb.inv_freq")
        }
    }
}

extension ModelTensor {
    /// What a checkpoint calls the tensor.
    func name(_ naming: TensorNaming) -> String {
        switch (naming, self) {
        case (.gguf, .embedding): "token_embd.weight"
        case (.gguf, .outputNorm): "output_norm.weight"
        case (.gguf, .output): "output.weight"
        case (.huggingFace, .embedding): "model.embed_tokens.weight"
        case (.huggingFace, .outputNorm): "model.norm.weight"
        case (.huggingFace, .output): "lm_head.weight"
        }
    }
}

extension LayerTensor {
    /// The tensor's name in GGUF, after `blk.N.`.
    var ggufName: String {
        switch self {
        case .attentionNorm: "attn_norm.weight"
        case .query: "attn_q.weight"
        case .key: "attn_k.weight"
        case .value: "attn_v.weight"
        case .queryBias: "attn_q.bias"
        case .keyBias: "attn_k.bias"
        case .valueBias: "attn_v.bias"
        case .attentionOutput: "attn_output.weight"
        case .attentionOutputBias: "attn_output.bias"
        case .queryNorm: "attn_q_norm.weight"
        case .keyNorm: "attn_k_norm.weight"
        case .postAttentionNorm: "post_attention_norm.weight"
        case .feedForwardNorm: "ffn_norm.weight"
        case .gate: "ffn_gate.weight"
        case .up: "ffn_up.weight"
        case .down: "ffn_down.weight"
        case .postFeedForwardNorm: "post_ffw_norm.weight"
        }
    }

    /// The tensor's name in transformers, after `model.layers.N.`.
    func huggingFaceName(_ normalisingOutputs: Bool) -> String {
        switch self {
        case .attentionNorm: "input_layernorm.weight"
        case .query: "self_attn.q_proj.weight"
        case .key: "self_attn.k_proj.weight"
        case .value: "self_attn.v_proj.weight"
        case .queryBias: "self_attn.q_proj.bias"
        case .keyBias: "self_attn.k_proj.bias"
        case .valueBias: "self_attn.v_proj.bias"
        case .attentionOutput: "self_attn.o_proj.weight"
        case .attentionOutputBias: "self_attn.o_proj.bias"
        case .queryNorm: "self_attn.q_norm.weight"
        case .keyNorm: "self_attn.k_norm.weight"
        case .postAttentionNorm: "post_attention_layernorm.weight"
        case .feedForwardNorm:
            // Where there is no norm after attention, its name is free for the one before the next block.
            normalisingOutputs ? "pre_feedforward_layernorm.weight" : "post_attention_layernorm.weight"
        case .gate: "mlp.gate_proj.weight"
        case .up: "mlp.up_proj.weight"
        case .down: "mlp.down_proj.weight"
        case .postFeedForwardNorm: "post_feedforward_layernorm.weight"
        }
    }
}
