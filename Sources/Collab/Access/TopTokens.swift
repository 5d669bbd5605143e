/// The most probable next tokens, and what their probabilities are measured against.
public struct TopTokens: Hashable, Sendable {
    /// A token and its logit.
    public struct Entry: Hashable, Sendable {
        /// The token.
        public var token: TokenID
        /// Its logit.
        public var logit: Float

        /// Makes an entry.
        public init(token: TokenID, logit: Float) {
            self.token = token
            self.logit = logit
        }
    }

    /// The largest logits, largest first; equal ones by ascending id.
    public var entries: [Entry]
    /// log Σ eˣ over the logits of the whole vocabulary: a token's log-probability is its logit minus this. `nil` if it
    /// was not asked for.
    public var logSumExp: Double?

    /// Makes a list.
    public init(entries: [Entry], logSumExp: Double?) {
        self.entries = entries
        self.logSumExp = logSumExp
    }
}

/// A decoder that finds the most probable tokens while it computes the logits, without handing out all of them.
///
/// Greedy answers are written with it where a decoder offers it: a row of a large vocabulary takes a megabyte, which is
/// costly to hand over for one number. A decoder that changes logits afterwards, such as one that fuses or constrains,
/// does not offer it.
public protocol TopTokenDecoder: Decoder {
    /// Reads tokens and returns the `count` largest logits after the last of them, exactly as in the whole row.
    ///
    /// Without the normaliser a decoder need not compute every logit, so ask for it only where probabilities are
    /// wanted; entries are the same either way.
    ///
    /// - Parameters:
    ///   - tokens: What follows what has been read.
    ///   - count: How many of the largest logits.
    ///   - normalized: Whether ``TopTokens/logSumExp`` is wanted.
    ///
    /// Throws what ``Decoder/append(_:logits:)`` throws, and ``CollabError/Code/invalidRequest`` for a count below 1.
    func append(
        _ tokens: [TokenID],
        top count: Int,
        normalized: Bool
    ) async throws(CollabError) -> TopTokens
}

extension TopTokenDecoder {
    /// Reads tokens and returns the `count` largest logits after the last of them, with the normaliser.
    ///
    /// Throws what ``append(_:top:normalized:)`` throws.
    public func append(_ tokens: [TokenID], top count: Int) async throws(CollabError) -> TopTokens {
        try await append(tokens, top: count, normalized: true)
    }
}
