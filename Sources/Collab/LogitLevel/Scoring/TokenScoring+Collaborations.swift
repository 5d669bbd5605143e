// Guesses change no distribution, so whoever writes with them scores without.

extension SpeculativeModel: TokenScoring where Base: TokenScoring {
    /// The natural log-probability of each continuation, as the model without guesses scores it.
    public func score(
        _ continuations: [String],
        after request: Request
    ) async throws(CollabError) -> [ScoredContinuation] {
        try await base.score(continuations, after: request)
    }
}

extension AlternatingModel: TokenScoring {
    /// The natural log-probability of each continuation, as the fusion without guesses scores it.
    public func score(
        _ continuations: [String],
        after request: Request
    ) async throws(CollabError) -> [ScoredContinuation] {
        try await base.score(continuations, after: request)
    }
}

// The tokens of these are bytes, so a continuation has a score for each of its bytes. Their sum is the probability of the
// text however it is cut into tokens, which makes models of different vocabularies comparable.

extension ByteModel: TokenScoring {}
extension ByteFusion: TokenScoring {}
extension FuseBytes: TokenScoring where Members == Team<LogitAccess> {}

extension ClassifiedModel: TokenScoring {}
extension TokenCascade: TokenScoring {}
