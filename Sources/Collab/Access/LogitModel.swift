/// A model that shows its next-token logits: the access that fusing, contrasting and steering need.
///
/// A type that can decode gets text generation for free: ``TextModel/generate(_:into:)`` has a default
/// implementation here that samples from the logits.
public protocol LogitModel: TextModel {
    /// The model's vocabulary.
    var tokenizer: any Tokenizer { get }
    /// The most tokens a decoder can hold.
    var contextLength: Int { get }
    /// The tokens that a request becomes, beginning-of-sequence and chat template included.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` if the request cannot be rendered for this model.
    func promptTokens(for request: Request) throws(CollabError) -> [TokenID]
    /// A decoder that has read nothing yet.
    func makeDecoder() async throws(CollabError) -> any Decoder
    /// A decoder that has read a request, with the logits of the first token of the answer.
    func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart
    /// A decoder that has read the tokens of a prompt, with the logits of the first token of the answer.
    ///
    /// They are a prompt, not the beginning of an answer: a model may know them from an earlier text, and what
    /// changes an answer begins behind them.
    /// Throws ``CollabError/Code/invalidRequest`` if there are none, and what ``Decoder/append(_:logits:)`` throws.
    func startDecoding(reading tokens: [TokenID]) async throws(CollabError) -> DecodingStart
}

/// A decoder that has read a prompt.
public struct DecodingStart: Sendable {
    /// The decoder.
    public var decoder: any Decoder
    /// The logits of the next token.
    public var logits: Logits
    /// How many tokens the prompt had, over all members of a fusion.
    public var promptTokens: Int
    /// How many of them came from a cache.
    public var cachedTokens: Int
    /// Texts at which the answer ends because of the form in which the prompt was written.
    ///
    /// A base model that continues a page of questions and answers would go on with the next question.
    public var stopSequences: [String]
    /// Whether white space in front of an answer in a dialogue belongs to the answer; usually it is dropped.
    public var keepsWhitespace: Bool
    /// What the answer has to be when it ends, whatever ends it: what constraints beneath demand.
    ///
    /// A model around a constrained one hands them on, or nobody notices that an answer was cut off.
    public var constraints: [Constraint]

    /// Makes a start.
    public init(
        decoder: any Decoder,
        logits: Logits,
        promptTokens: Int,
        cachedTokens: Int = 0,
        stopSequences: [String] = [],
        keepsWhitespace: Bool = false,
        constraints: [Constraint] = []
    ) {
        self.decoder = decoder
        self.logits = logits
        self.promptTokens = promptTokens
        self.cachedTokens = cachedTokens
        self.stopSequences = stopSequences
        self.keepsWhitespace = keepsWhitespace
        self.constraints = constraints
    }
}

/// A place in a text, from which a model's next-token distributions can be read.
///
/// A decoder is a cheap reference to a sequence in its model's key–value store. It is used by one task at a time.
public protocol Decoder: AnyObject, Sendable {
    /// How many tokens have been read.
    var position: Int { get }
    /// Reads tokens and returns the logits that were asked for, in order.
    ///
    /// Throws ``CollabError/Code/contextOverflow`` if they do not fit, ``CollabError/Code/invalidRequest`` for an
    /// id outside the vocabulary or for no tokens at all; the decoder is then unchanged.
    func append(_ tokens: [TokenID], logits: LogitSelection) async throws(CollabError) -> [Logits]
    /// Forgets everything after the first `count` tokens.
    func truncate(to count: Int) async throws(CollabError)
    /// A second decoder at the same place; what both have read is shared.
    func fork() async throws(CollabError) -> any Decoder
}

/// Which of the appended tokens' logits to return.
public enum LogitSelection: Hashable, Sendable {
    /// None.
    case none
    /// Those after the last token.
    case last
    /// Those after each token.
    case all
}

extension LogitModel {
    /// Reads the request's tokens into a new decoder.
    public func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        try await startDecoding(reading: try promptTokens(for: request))
    }

    /// Reads the tokens into a new decoder.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` if there are none.
    public func startDecoding(reading tokens: [TokenID]) async throws(CollabError) -> DecodingStart {
        let decoder = try await makeDecoder()
        guard let logits = try await decoder.append(tokens, logits: .last).last else {
            throw CollabError(
                .invalidRequest,
                "The request has no tokens for \(name): there is nothing to answer."
            )
        }
        return DecodingStart(decoder: decoder, logits: logits, promptTokens: tokens.count)
    }
}

extension Decoder {
    /// Reads one token and returns the logits of the next.
    public func append(_ token: TokenID) async throws(CollabError) -> Logits {
        try await append([token], logits: .last)[0]
    }
}
