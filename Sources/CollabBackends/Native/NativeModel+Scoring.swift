public import Collab

extension NativeModel: TokenScoring {
    /// The natural log-probability of each continuation after the request's prompt, with its tokens.
    ///
    /// The prompt is read once, and what an earlier one began with alike not at all; the continuations share it and are
    /// computed side by side. A continuation is cut into tokens by itself, so begin it with a space where a word begins.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` for a prompt of no tokens, and `contextOverflow`.
    public func score(
        _ continuations: [String],
        after request: Request
    ) async throws(CollabError) -> [ScoredContinuation] {
        let prompt = try promptTokens(for: request)
        guard let last = prompt.last else {
            throw CollabError(
                .invalidRequest,
                "The request has no tokens for \(name) to score anything after."
            )
        }
        let decoder = makeNativeDecoder()
        Run.spend(Usage(promptTokens: prompt.count))
        if prompt.count > 1 {
            _ = try await decoder.readPrompt(Array(prompt.dropLast()), Readout())
        }
        return try await concurrently(continuations) { (text) async throws(CollabError) in
            let tokens = try self.vocabulary.encode(continuing: text)
            if tokens.isEmpty { return ScoredContinuation(text: text, tokenLogprobs: []) }
            Run.spend(Usage(promptTokens: tokens.count))
            let branch = try decoder.makeFork()
            let start = branch.position
            let readout = Readout(kind: .logprob, positions: start..<start + tokens.count)
            let output = try await branch.run([last] + tokens, readout)
            guard case .logprobs(let values) = output else {
                return ScoredContinuation(text: text, tokenLogprobs: [])
            }
            return ScoredContinuation(text: text, tokenLogprobs: values.map { Double($0) })
        }
    }

    /// The natural log-probability of every token but the first, each after those before it.
    ///
    /// exp of the negative mean is the perplexity of the text. No logits are kept, so long texts cost little memory.
    /// Throws ``Collab/CollabError`` with `invalidRequest` for fewer than two tokens or an id outside the vocabulary,
    /// and `contextOverflow`.
    public func logprobs(of tokens: [TokenID]) async throws(CollabError) -> [Double] {
        guard tokens.count > 1 else {
            throw CollabError(
                .invalidRequest,
                "\(name) scores tokens after others; there must be at least two."
            )
        }
        let readout = Readout(kind: .logprob, positions: 0..<tokens.count - 1)
        let output = try await makeNativeDecoder().run(tokens, readout)
        guard case .logprobs(let values) = output else { return [] }
        return values.map { Double($0) }
    }
}
