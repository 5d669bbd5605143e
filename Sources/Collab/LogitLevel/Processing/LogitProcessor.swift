/// A change of next-token logits before a token is chosen from them: a bias, a mask, a grammar.
///
/// A processor is immutable and may serve many answers at once; what it knows of one answer is its ``State``, a value
/// that is kept for every token, so that decoders can be forked and taken back. Keep states small, and let large parts
/// be shared.
///
/// ```swift
/// struct Once: LogitProcessor {
///     var name: String { "no token twice" }
///     func start(after prompt: [TokenID]) -> Set<TokenID> { [] }
///     func advance(_ written: inout Set<TokenID>, by token: TokenID) { written.insert(token) }
///     func process(_ logits: inout Logits, in written: Set<TokenID>) {
///         for token in written { logits[token] = -.infinity }
///     }
/// }
/// ```
public protocol LogitProcessor: Sendable {
    /// What is known of an answer after some of its tokens.
    associatedtype State: Sendable

    /// What to call it in the names of models.
    var name: String { get }
    /// The state in which an answer begins.
    ///
    /// - Parameter prompt: the tokens before it.
    func start(after prompt: [TokenID]) throws(CollabError) -> State
    /// Learns which token has been written.
    ///
    /// Throws if the answer cannot go on so; the decoder is then unchanged.
    func advance(_ state: inout State, by token: TokenID) throws(CollabError)
    /// Changes the logits of the token that comes after a state; −∞ makes a token impossible.
    ///
    /// Rows may be longer than the vocabulary; what lies behind its end is never chosen.
    func process(_ logits: inout Logits, in state: State) throws(CollabError)
}

/// A processor that adds numbers to the logits of some tokens, whatever has been written; −∞ forbids a token.
public struct TokenBias: LogitProcessor {
    /// What is added, by token.
    public var biases: [TokenID: Float]

    /// Makes a bias.
    public init(_ biases: [TokenID: Float]) { self.biases = biases }

    /// “bias”, with how many tokens it concerns.
    public var name: String { "bias of \(biases.count) tokens" }

    /// Nothing need be known.
    public func start(after prompt: [TokenID]) {}

    /// Nothing changes.
    public func advance(_ state: inout Void, by token: TokenID) {}

    /// Adds the numbers.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for a token that the model lacks or a number that is NaN or +∞.
    public func process(_ logits: inout Logits, in state: Void) throws(CollabError) {
        for (token, bias) in biases {
            guard token >= 0, token < logits.count else {
                throw CollabError(
                    .invalidRequest,
                    "There is no token \(token) whose logit a bias could change."
                )
            }
            guard bias < .infinity else {
                throw CollabError(.invalidRequest, "The bias of token \(token) is \(bias).")
            }
            logits[token] += bias
        }
    }
}
