/// A model that can tell how probable it finds given continuations, without writing anything.
///
/// Native models have it, and so do remote ones whose servers score prompts.
public protocol TokenScoring: TextModel {
    /// The natural log-probability of each continuation after the request's prompt, with its tokens.
    func score(_ continuations: [String], after request: Request) async throws(CollabError)
        -> [ScoredContinuation]
}

/// A continuation and how probable the model finds it.
public struct ScoredContinuation: Hashable, Sendable, Codable {
    /// The continuation.
    public var text: String
    /// The log-probabilities of its tokens; their sum is the continuation's.
    public var tokenLogprobs: [Double]

    /// Makes a scored continuation.
    public init(text: String, tokenLogprobs: [Double]) {
        self.text = text
        self.tokenLogprobs = tokenLogprobs
    }

    /// Natural logarithm of the probability of the whole continuation.
    public var logprob: Double { tokenLogprobs.reduce(0, +) }
}

/// A model that turns texts into vectors whose cosine measures similarity.
public protocol EmbeddingModel: Sendable {
    /// What to call it.
    var name: String { get }
    /// The length of a vector.
    var dimension: Int { get }
    /// One vector a text, in order, each of unit length.
    func embed(_ texts: [String]) async throws(CollabError) -> [[Float]]
}
