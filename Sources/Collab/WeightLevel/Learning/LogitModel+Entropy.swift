extension LogitModel {
    /// The mean entropy of the next-token distributions over some texts, in nats: how unsure the model is of text that
    /// nobody has labelled.
    ///
    /// E. Yang et al., *AdaMerging: Adaptive Model Merging for Multi-Task Learning*, 2024, minimise it over the weights of
    /// a merge by gradients; here it is an objective for searches that need none. Texts are read as they stand, and the
    /// distribution after their last token counts too.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for no tokens at all, and what a decoder's append throws.
    public func meanEntropy(over texts: [String]) async throws(CollabError) -> Double {
        let parts = try await concurrently(texts) {
            (text) async throws(CollabError) -> (sum: Double, count: Int) in
            let tokens = try self.promptTokens(for: .completion(text))
            if tokens.isEmpty { return (0, 0) }
            let rows = try await self.makeDecoder().append(tokens, logits: .all)
            return (rows.reduce(0) { $0 + entropy(of: $1.values) }, rows.count)
        }
        let count = parts.reduce(0) { $0 + $1.count }
        guard count > 0 else { throw CollabError(.invalidRequest, "There is no text to be unsure of.") }
        return parts.reduce(0) { $0 + $1.sum } / Double(count)
    }
}

/// −Σ p ln p of softmax(z): ln Σ eᶻ − Σ p z.
private func entropy(of logits: [Float]) -> Double {
    guard let largest = logits.max(), largest > -.infinity else { return 0 }
    var (sum, weighted) = (0.0, 0.0)
    for logit in logits where logit > -.infinity {
        let difference = Double(logit - largest)
        let share = exponential(difference)
        sum += share
        weighted += share * difference
    }
    return naturalLogarithm(sum) - weighted / sum
}
