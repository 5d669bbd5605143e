/// What guesses the next tokens of an answer, so that a ``SpeculativeModel`` can check several of them in one pass.
///
/// Guesses cost time if they are bad; they never change an answer.
public protocol TokenProposer: Sendable {
    /// What to call it in the names of models and in traces.
    var name: String { get }
    /// Checks that guesses can be of use to a model.
    ///
    /// Throws ``CollabError/Code/vocabularyMismatch`` if they are tokens of another vocabulary, and
    /// ``CollabError/Code/invalidRequest`` for settings that make no sense.
    func validate(for target: any LogitModel) throws(CollabError)
    /// Begins to guess at an answer.
    ///
    /// - Parameters:
    ///   - request: what is to be answered, if the answer begins with a request rather than with tokens.
    ///   - prompt: the tokens before the answer, as the model that checks the guesses renders them.
    func start(_ request: Request?, prompt: [TokenID]) async throws(CollabError) -> any TokenProposals
}

/// The guesses at one answer.
public protocol TokenProposals: Sendable {
    /// Guesses what comes after the tokens that are written; at most `count` tokens, or fewer, or none.
    ///
    /// What is written may also be less than, or other than, what it was at the last call.
    func propose(after written: [TokenID], count: Int) async throws(CollabError) -> [TokenID]
    /// Guesses what comes after the tokens that are written, knowing the rule and the random numbers with which the next
    /// tokens will be chosen.
    ///
    /// A guess that is drawn with the numbers of the choice is right more often than a favourite.
    func propose(
        after written: [TokenID],
        count: Int,
        drawing sampler: TokenSampler?
    ) async throws(CollabError) -> [TokenID]
    /// Guesses that go on from here on their own.
    func fork() async throws(CollabError) -> any TokenProposals
}

extension TokenProposals {
    /// Guesses without a look at the rule.
    public func propose(
        after written: [TokenID],
        count: Int,
        drawing sampler: TokenSampler?
    ) async throws(CollabError) -> [TokenID] {
        try await propose(after: written, count: count)
    }
}

/// A decoder that guesses, and guesses better if it knows how tokens are chosen.
protocol ForeseeingDecoder: Decoder {
    /// Learns what will choose the next token, before the latest one is read.
    func willChoose(with sampler: TokenSampler)
    /// The token that comes next if that was decided when a guess was judged.
    func decision(at position: Int) -> TokenID?
}

extension ForeseeingDecoder {
    func decision(at position: Int) -> TokenID? { nil }
}
