extension TokenScoring where Self: LogitModel {
    /// The natural log-probability of each continuation after the request's prompt, with its tokens.
    ///
    /// The prompt is read once and shared; the continuations are read side by side, so a model that batches reads them as
    /// one. A continuation is cut into tokens by itself, so begin it with a space where a word begins. Whether the answer
    /// would end after it counts for nothing.
    ///
    /// A token that the model finds impossible has −∞. Throws what ``LogitModel/startDecoding(_:)`` throws,
    /// ``CollabError/Code/contextOverflow``, and ``CollabError/Code/notFinite`` or ``CollabError/Code/nothingToSample`` where
    /// the model's logits are no distribution.
    public func score(
        _ continuations: [String],
        after request: Request
    ) async throws(CollabError) -> [ScoredContinuation] {
        try await scoreByLogits(continuations, after: request)
    }
}

extension LogitModel {
    /// What ``TokenScoring/score(_:after:)`` gives by default.
    func scoreByLogits(
        _ continuations: [String],
        after request: Request
    ) async throws(CollabError) -> [ScoredContinuation] {
        let start = try await startDecoding(request)
        // Forked one after another, since a decoder is used by one task at a time.
        var branches: [(text: String, tokens: [TokenID], decoder: any Decoder)] = []
        for text in continuations {
            let tokens = try tokenizer.encode(continuing: text)
            branches.append((text, tokens, try await start.decoder.fork()))
        }
        let first = start.logits
        let (name, count) = (name, tokenizer.count)
        return try await concurrently(branches) { (branch) async throws(CollabError) in
            guard let token = branch.tokens.first else {
                return ScoredContinuation(text: branch.text, tokenLogprobs: [])
            }
            var logprobs = [try first.logprob(of: token, of: count, by: name)]
            let rest = branch.tokens.dropLast()
            if !rest.isEmpty {
                let rows = try await branch.decoder.append(Array(rest), logits: .all)
                for (row, token) in zip(rows, branch.tokens.dropFirst()) {
                    logprobs.append(try row.logprob(of: token, of: count, by: name))
                }
            }
            return ScoredContinuation(text: branch.text, tokenLogprobs: logprobs)
        }
    }
}

extension Logits {
    /// The natural log-probability of a token of so many; what lies behind them is padding.
    ///
    /// Throws ``CollabError/Code/notFinite`` or ``CollabError/Code/nothingToSample`` with the model's name.
    fileprivate func logprob(of token: TokenID, of count: Int, by name: String) throws(CollabError) -> Double
    {
        let row = try MemberRows([cut(to: count)], names: [name])
        guard row.values[0].indices.contains(Int(token)) else { return -.infinity }
        return Double(row.values[0][Int(token)]) - row.normalizers[0]
    }
}

extension FusedModel: TokenScoring {}
extension FuseLogits: TokenScoring where Members == Team<LogitAccess> {}
extension LogitFormula: TokenScoring {}
extension ProcessedModel: TokenScoring {}
extension ConstrainedModel: TokenScoring {
    /// The natural log-probability of each continuation among the texts that the constraint allows.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for a continuation that leads away from the constraint.
    public func score(
        _ continuations: [String],
        after request: Request
    ) async throws(CollabError) -> [ScoredContinuation] {
        for text in continuations {
            guard try constraint.automaton.advance(constraint.automaton.start, by: text.utf8) == nil else {
                continue
            }
            throw CollabError(
                .invalidRequest,
                "“\(text)” is not the beginning of anything that \(constraint.name) allows."
            )
        }
        return try await processed.score(continuations, after: request)
    }
}
