/// What a model, or a whole collaboration, answered.
public struct Response: Sendable {
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
        /// The model declined to answer; ``Response/refusal`` may say why.
        case refused
        /// The model asks for tools to be called first: ``Response/toolCalls``.
        case toolCalls
        /// Something else; the text says what the server named.
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
    /// What the model thought before it answered, where it tells; no part of the answer.
    public var thinking: String?
    /// Why the model declined to answer, in its own words, where it tells.
    public var refusal: String?
    /// The tools that the model asks to be called, as received.
    public var toolCalls: [ToolCall]
    /// What the model thought, in the form in which its server wants it back; see ``Message/assistant(_:)``.
    public var thinkingBlocks: [ThinkingBlock]
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
        thinking: String? = nil,
        refusal: String? = nil,
        toolCalls: [ToolCall] = [],
        thinkingBlocks: [ThinkingBlock] = [],
        usage: Usage = Usage(),
        trace: Trace? = nil
    ) {
        self.text = text
        self.model = model
        self.ending = ending
        self.tokens = tokens
        self.thinking = thinking
        self.refusal = refusal
        self.toolCalls = toolCalls
        self.thinkingBlocks = thinkingBlocks
        self.usage = usage
        self.trace = trace
    }
}

extension Response: Codable {
    private enum CodingKeys: String, CodingKey {
        case text, model, ending, tokens, thinking, refusal, toolCalls, thinkingBlocks, usage, trace
    }

    /// Reads a response.
    public init(from decoder: any Swift.Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            text: try values.decode(String.self, forKey: .text),
            model: try values.decode(String.self, forKey: .model),
            ending: try values.decode(Ending.self, forKey: .ending),
            tokens: try values.decodeIfPresent([GeneratedToken].self, forKey: .tokens),
            thinking: try values.decodeIfPresent(String.self, forKey: .thinking),
            refusal: try values.decodeIfPresent(String.self, forKey: .refusal),
            toolCalls: try values.decodeIfPresent([ToolCall].self, forKey: .toolCalls) ?? [],
            thinkingBlocks: try values.decodeIfPresent([ThinkingBlock].self, forKey: .thinkingBlocks) ?? [],
            usage: try values.decode(Usage.self, forKey: .usage),
            trace: try values.decodeIfPresent(Trace.self, forKey: .trace)
        )
    }

    /// Writes a response; what is empty is left out.
    public func encode(to encoder: any Swift.Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(text, forKey: .text)
        try values.encode(model, forKey: .model)
        try values.encode(ending, forKey: .ending)
        try values.encodeIfPresent(tokens, forKey: .tokens)
        try values.encodeIfPresent(thinking, forKey: .thinking)
        try values.encodeIfPresent(refusal, forKey: .refusal)
        if !toolCalls.isEmpty { try values.encode(toolCalls, forKey: .toolCalls) }
        if !thinkingBlocks.isEmpty { try values.encode(thinkingBlocks, forKey: .thinkingBlocks) }
        try values.encode(usage, forKey: .usage)
        try values.encodeIfPresent(trace, forKey: .trace)
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
