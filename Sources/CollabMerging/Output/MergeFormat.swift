public import CollabBackends

/// In which kind of file a merge is written.
public enum MergeFormat: Hashable, Sendable {
    /// A folder in Hugging Face's layout, with safetensors.
    case safetensors
    /// A folder with one GGUF file, `model.gguf`, which holds the tokenizer as well.
    case gguf(GGUFQuantisation)

    /// The format of a text: `safetensors`, `gguf:q4_K`, or `gguf`, which is `gguf:f16`; `nil` for any other.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        switch (parts.first, parts.count) {
        case ("safetensors"?, 1): self = .safetensors
        case ("gguf"?, 1): self = .gguf(.f16)
        case ("gguf"?, 2):
            guard let kind = GGUFQuantisation(named: String(parts[1])) else { return nil }
            self = .gguf(kind)
        default: return nil
        }
    }
}
