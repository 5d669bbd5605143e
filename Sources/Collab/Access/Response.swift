/// What a model, or a whole collaboration, answered.
public struct Response: Sendable, Codable {
    /// Why the answer ended.
    public enum Ending: Hashable, Sendable, Codable {
        /// The model was done, or a stop sequence was reached.
        case finished
        /// The token limit was reached.
        case tokenLimit
        /// The run's budget was exhausted: this is the best answer so far.
        case budgetExhausted
        /// The server filtered the content.
        case filtered
        /// The model asked for something else first (for example a tool call); the text says what the server named.
        case other(String)
    }

    /// The answer.
    public var text: String
    /// Who gave it.
    public var model: String
    /// Why it ended.
    public var ending: Ending
    /// The tokens with their log-probabilities, where the model tells; `nil` if it does not.
    public var tokens: [GeneratedToken]?
    /// What it took.
    public var usage: Usage
    /// How it came about; set on the answer of the outermost call of a run.
    public var trace: Trace?

    /// Makes a response.
    public init(
        text: String,
        model: String,
        ending: Ending = .finished,
        tokens: [GeneratedToken]? = nil,
        usage: Usage = Usage(),
        trace: Trace? = nil
    ) {
        self.text = text
        self.model = model
        self.ending = ending
        self.tokens = tokens
        self.usage = usage
        self.trace = trace
    }
}

/// A token that was written, and how probable the model thought it.
public struct GeneratedToken: Hashable, Sendable, Codable {
    /// A token that could have been written instead.
    public struct Alternative: Hashable, Sendable, Codable {
        /// The token's id, where known.
        public var id: TokenID?
        /// The token's bytes; they may be part of a character.
        public var bytes: [UInt8]
        /// Natural logarithm of its probability.
        public var logprob: Double

        /// Makes an alternative.
        public init(id: TokenID?, bytes: [UInt8], logprob: Double) {
            self.id = id
            self.bytes = bytes
            self.logprob = logprob
        }
    }

    /// The token's id, where known.
    public var id: TokenID?
    /// The token's bytes; they may be part of a character.
    public var bytes: [UInt8]
    /// Natural logarithm of its probability under the model, before sampling transforms.
    public var logprob: Double
    /// The most probable tokens at this place, most probable first, if they were asked for.
    public var alternatives: [Alternative]

    /// Makes a token.
    public init(id: TokenID?, bytes: [UInt8], logprob: Double, alternatives: [Alternative] = []) {
        self.id = id
        self.bytes = bytes
        self.logprob = logprob
        self.alternatives = alternatives
    }
}
