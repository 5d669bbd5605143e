/// The families of decoder-only models that the engine runs.
///
/// What the members of a family have in common, wherever their files come from, is set by
/// `TransformerConfiguration.init(family:…)`; what a file says is read by one reader a format.
public enum ModelFamily: String, Hashable, Sendable, CaseIterable {
    /// Llama 1 to 3 and its kin: SwiGLU and a norm before each block.
    case llama
    /// Mistral: llama whose queries may see a window only.
    case mistral
    /// Qwen 2 and 2.5: llama with biases on queries, keys and values.
    case qwen2
    /// Qwen 3: llama with norms of queries and keys.
    case qwen3
    /// Gemma 2 (arXiv 2408.00118): GeGLU, norms before and after each block, soft caps, every other layer a window.
    case gemma2
    /// Gemma 3 (arXiv 2503.19786), text alone: norms of queries and keys in the place of soft caps, five layers with a
    /// window to each that sees everything.
    case gemma3
    /// SmolLM 3: llama of which every fourth layer has no rotary positions.
    case smollm3
    /// Phi 3 and 3.5 (arXiv 2404.14219): llama with fused matrices, and LongRoPE in long variants.
    case phi3

    /// The architecture's name in GGUF; `nil` where converters write another family's.
    public var ggufName: String? { self == .mistral ? nil : rawValue }

    /// The `model_type` in a `config.json`.
    public var huggingFaceName: String { self == .gemma3 ? "gemma3_text" : rawValue }

    /// Whether converters to GGUF order the rows of queries and keys for rotating neighbours.
    var pairsNeighboursInGGUF: Bool { self == .llama || self == .mistral || self == .smollm3 }

    /// Whether this is one of the Gemmas.
    var isGemma: Bool { self == .gemma2 || self == .gemma3 }
}
