/// What remembering the beginnings of texts has saved; see ``NativeModel/promptCache``.
public struct PromptCacheStatistics: Hashable, Sendable {
    /// How many prompts were looked up.
    public internal(set) var lookups = 0
    /// How many of them began like a remembered text, by 16 tokens or more.
    public internal(set) var hits = 0
    /// How many tokens of prompts were not computed, because a remembered text had them.
    public internal(set) var tokensSaved = 0
    /// How many tokens were not computed, because a text that was being computed at the same time had them.
    public internal(set) var tokensShared = 0
    /// How many ends of texts were let go for want of memory.
    public internal(set) var evictions = 0
    /// How many runs of tokens are remembered; texts that begin alike share the run up to where they part.
    public internal(set) var beginnings = 0
    /// The bytes of remembered keys and values, each block counted once, whether a decoder holds it too or not.
    public internal(set) var bytes = 0
}
