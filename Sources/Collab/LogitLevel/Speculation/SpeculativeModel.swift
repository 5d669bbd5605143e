/// A model, or a fusion of several, that writes faster what it would have written anyway: tokens are guessed, and one
/// pass over all guesses shows the model's own distribution at each of them.
///
/// Every token is chosen from the model's own distribution by the request's rule, with the same random numbers as
/// without guesses. A guess is right if it is the token that was chosen, and then the distribution after it is already
/// known. So an answer is the one of plain decoding, also where it is sampled, if the model computes a token alike
/// alone and in a pass over several. Guesses cannot bias it, whatever proposes them.
///
/// Make one with ``LogitModel/speculating(with:length:)``. The trace notes how many guesses were right, and how many
/// passes were made.
public struct SpeculativeModel<Base: LogitModel>: LogitModel {
    /// The model that writes.
    public let base: Base
    /// What guesses.
    public let proposer: any TokenProposer
    /// How many tokens are guessed before they are checked.
    public let length: SpeculationLength

    /// The base's name, and what guesses.
    public var name: String { "\(base.name) with guesses by \(proposer.name)" }
    /// The base's.
    public var profile: ModelProfile { base.profile }
    /// The base's vocabulary.
    public var tokenizer: any Tokenizer { base.tokenizer }
    /// The most tokens a decoder can hold.
    public var contextLength: Int { base.contextLength }

    /// The tokens that a request becomes for the base.
    public func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try base.promptTokens(for: request)
    }

    /// A decoder that has read nothing yet.
    public func makeDecoder() async throws(CollabError) -> any Decoder {
        try validate()
        let proposals = try await proposer.start(nil, prompt: [])
        return speculating(try await base.makeDecoder(), proposals)
    }

    /// A decoder that has read a request; so has the proposer.
    public func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        try validate()
        let prompt = try base.promptTokens(for: request)
        var start = try await base.startDecoding(request)
        start.decoder = speculating(start.decoder, try await proposer.start(request, prompt: prompt))
        return start
    }

    /// A decoder that has read the tokens of a prompt; so has the proposer.
    public func startDecoding(reading tokens: [TokenID]) async throws(CollabError) -> DecodingStart {
        try validate()
        var start = try await base.startDecoding(reading: tokens)
        start.decoder = speculating(start.decoder, try await proposer.start(nil, prompt: tokens))
        return start
    }

    private func validate() throws(CollabError) {
        try length.validate()
        try proposer.validate(for: base)
    }

    private func speculating(_ decoder: any Decoder, _ proposals: any TokenProposals) -> SpeculativeDecoder {
        SpeculativeDecoder(
            decoder,
            proposals,
            model: base,
            planner: SpeculationPlanner(length),
            first: decoder.position
        )
    }
}

extension LogitModel {
    /// The model with its next tokens guessed and checked several at a time; its answers stay the same.
    ///
    /// ```swift
    /// let fast = large.speculating(with: ModelProposer(small))
    /// let editor = model.speculating(with: PromptLookup())
    /// ```
    ///
    /// - Parameters:
    ///   - proposer: what guesses: a ``ModelProposer`` or ``PromptLookup``.
    ///   - length: how many tokens are guessed before they are checked.
    public func speculating(
        with proposer: some TokenProposer,
        length: SpeculationLength = .automatic()
    ) -> SpeculativeModel<Self> {
        SpeculativeModel(base: self, proposer: proposer, length: length)
    }
}
