// A text is scored in the tokens of the first vocabulary that was joined; one that they do not spell has no score, rather
// than that of what is left of it.

extension UnionModel: TokenScoring {
    /// The natural log-probability of each continuation, in tokens of the union.
    ///
    /// Throws ``CollabError/Code/unsupported`` for one that the tokens of the first vocabulary do not spell.
    public func score(
        _ continuations: [String],
        after request: Request
    ) async throws(CollabError) -> [ScoredContinuation] {
        try vocabulary.checkSpelling(of: continuations)
        return try await scoreByLogits(continuations, after: request)
    }
}

extension FuseUnion: TokenScoring {
    /// The natural log-probability of each continuation, in tokens of the union.
    ///
    /// Throws ``CollabError/Code/unsupported`` for one that the tokens of the first vocabulary do not spell.
    public func score(
        _ continuations: [String],
        after request: Request
    ) async throws(CollabError) -> [ScoredContinuation] {
        try vocabulary().checkSpelling(of: continuations)
        return try await fused().score(continuations, after: request)
    }
}

extension UnionVocabulary {
    fileprivate func checkSpelling(of texts: [String]) throws(CollabError) {
        for text in texts {
            let spelled = try encode(continuing: text).flatMap { bytes(of: $0) }
            if String(decoding: spelled, as: UTF8.self) == text { continue }
            throw CollabError(
                .unsupported,
                "“\(text)” cannot be scored: the tokens of the first vocabulary do not spell it."
            )
        }
    }
}
