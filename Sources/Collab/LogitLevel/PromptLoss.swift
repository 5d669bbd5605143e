extension Fusion {
    /// Whether the rule's weights follow from the prompt.
    var readsPrompt: Bool { if case .byPromptPerplexity = weights { true } else { false } }
}

extension FusedModel {
    /// Each member's mean loss over its prompt, in nats a token.
    func promptLosses(
        _ prompt: @escaping @Sendable (any LogitModel) throws(CollabError) -> [TokenID]
    ) async throws(CollabError) -> [Double] {
        let losses = try await concurrently(leaves.models) { (model) async throws(CollabError) -> Double in
            do throws(CollabError) { return try await model.loss(of: try prompt(model)) } catch {
                throw error.within(model.name)
            }
        }
        return members.indices.map { losses[leaves.place(of: $0)] }
    }
}

extension LogitModel {
    /// The mean of −ℓ over all tokens of a text but the first; 0 for a single token.
    func loss(of tokens: [TokenID]) async throws(CollabError) -> Double {
        guard tokens.count > 1 else { return 0 }
        let decoder = try await makeDecoder()
        var sum = 0.0
        // A row of a large vocabulary is a megabyte: a few at a time.
        for start in stride(from: 0, to: tokens.count - 1, by: 16) {
            let end = min(start + 16, tokens.count - 1)
            let rows = try await decoder.append(Array(tokens[start..<end]), logits: .all)
            for (row, next) in zip(rows, tokens[(start + 1)...]) { sum -= row.logprob(of: next) }
        }
        return sum / Double(tokens.count - 1)
    }
}
