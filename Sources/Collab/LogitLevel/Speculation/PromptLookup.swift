/// Guesses that an answer repeats what stands in its prompt or in itself: code that is edited, a text that is quoted.
///
/// The last tokens are looked for further up, the most of them first, and what followed them there is proposed
/// (A. Saxena, *Prompt Lookup Decoding*, 2023). It costs no forward pass.
public struct PromptLookup: TokenProposer {
    /// How many of the last tokens are looked for at most.
    public var longest: Int
    /// How many of the last tokens have to be found at least.
    public var shortest: Int

    /// Makes a proposer.
    public init(longest: Int = 3, shortest: Int = 1) {
        self.longest = longest
        self.shortest = shortest
    }

    /// “prompt lookup”.
    public var name: String { "prompt lookup" }

    /// Throws ``CollabError/Code/invalidRequest`` unless 1 ≤ shortest ≤ longest.
    public func validate(for target: any LogitModel) throws(CollabError) {
        guard shortest >= 1, longest >= shortest else {
            throw CollabError(
                .invalidRequest,
                "Prompt lookup cannot look for \(shortest) to \(longest) tokens; the least is 1."
            )
        }
    }

    /// Begins with the tokens of the prompt.
    public func start(
        _ request: Request?,
        prompt: [TokenID]
    ) async throws(CollabError) -> any TokenProposals {
        Found(rule: self, prompt: prompt)
    }

    private struct Found: TokenProposals {
        let rule: PromptLookup
        let prompt: [TokenID]

        func propose(after written: [TokenID], count: Int) async throws(CollabError) -> [TokenID] {
            rule.continuation(of: prompt + written, count: count)
        }

        func fork() async throws(CollabError) -> any TokenProposals { self }
    }

    /// What followed the last place at which a text's end occurs further up.
    func continuation(of text: [TokenID], count: Int) -> [TokenID] {
        guard count > 0, text.count > shortest else { return [] }
        for length in stride(from: min(longest, text.count - 1), through: shortest, by: -1) {
            let end = text.suffix(length)
            for place in stride(from: text.count - length - 1, through: 0, by: -1)
            where text[place..<place + length].elementsEqual(end) {
                return Array(text[(place + length)...].prefix(count))
            }
        }
        return []
    }
}
