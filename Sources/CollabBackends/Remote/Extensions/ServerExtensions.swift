/// A server's own additions to OpenAI's protocol.
public enum ServerExtensions: String, Hashable, Sendable, CaseIterable {
    /// llama.cpp's server: its tokens, grammars, slots, adapters.
    case llamaCPP
    /// vLLM: its tokens, scores of prompts, structured outputs.
    case vLLM
}
