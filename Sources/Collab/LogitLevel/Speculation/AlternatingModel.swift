/// A fusion whose members take turns: while one reads what the others have guessed, it finds its own guess at what comes
/// next.
///
/// A fused token needs every member's distribution. Written plainly, each member makes a pass for it. Here a member
/// guesses the token, another reads the guess together with what came before it, in one pass, which gives the
/// distributions before and after the guess; the fused one decides whether the guess was right, and if it was, the
/// reader guesses next (J. Fu et al., *Speculative Ensemble*, 2025). With n members of equal cost whose guesses are right
/// with probability a, that is n / (n − (n − 1) a) times as fast in passes, and never slower.
///
/// Every token is chosen from the fused distribution by the request's rule, with the same random numbers as without
/// guesses, and where tokens are drawn, guesses are drawn with these numbers too. So the answer is the one of plain
/// fusion, greedy or drawn, if members compute a token alike alone and in a pass over several. With
/// ``GuessAgreement/sameDistribution`` more guesses count, and drawn answers are those of plain fusion in distribution.
///
/// The trace notes what was fused, how many guesses were right, and how many passes the members made.
///
/// Members that share their weights, such as roles of one model, are decoded as one batch by plain fusion, which is
/// usually faster than taking turns. ``SpeculationLength/automatic(upTo:)`` measures both and takes the faster one.
public struct AlternatingModel: LogitModel {
    /// The fusion.
    public let base: FusedModel
    /// How many tokens a member guesses at a time; a reader's guess comes on top.
    public let length: SpeculationLength
    /// What is kept of plain fusion where tokens are drawn.
    public let agreement: GuessAgreement

    /// The fusion's name.
    public var name: String { "\(base.name), taking turns" }
    /// The fusion's.
    public var profile: ModelProfile { base.profile }
    /// The vocabulary that the members share.
    public var tokenizer: any Tokenizer { base.tokenizer }
    /// The shortest of the members' contexts.
    public var contextLength: Int { base.contextLength }

    /// The request's tokens as the first member renders it.
    public func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try base.promptTokens(for: request)
    }

    /// A decoder that hands the same tokens to every member.
    public func makeDecoder() async throws(CollabError) -> any Decoder {
        try length.validate()
        return try alternating(try await base.makeDecoder())
    }

    /// A decoder whose members have each read the request.
    public func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        try length.validate()
        var start = try await base.startDecoding(request)
        start.decoder = try alternating(start.decoder)
        return start
    }

    /// A decoder whose members have each read the same tokens.
    public func startDecoding(reading tokens: [TokenID]) async throws(CollabError) -> DecodingStart {
        try length.validate()
        var start = try await base.startDecoding(reading: tokens)
        start.decoder = try alternating(start.decoder)
        return start
    }

    private func alternating(_ decoder: any Decoder) throws(CollabError) -> any Decoder {
        guard let fused = decoder as? FusedDecoder, !fused.plan.readsLikelihoods,
            !fused.plan.mayLeaveBaseAlone
        else { return decoder }
        return AlternatingDecoder(fused, model: self)
    }
}

extension FusedModel {
    /// The fusion with members that take turns at guessing and reading; its answers stay the same.
    ///
    /// A rule that leaves tokens to its base alone, or goes by how probable members have found the text, is written
    /// plainly.
    ///
    /// - Parameters:
    ///   - length: how many tokens a member guesses at a time.
    ///   - agreement: what is kept of plain fusion where tokens are drawn.
    public func alternating(
        _ length: SpeculationLength = .automatic(upTo: 4),
        keeping agreement: GuessAgreement = .sameAnswer
    ) -> AlternatingModel {
        AlternatingModel(base: self, length: length, agreement: agreement)
    }
}

extension LogitFormula {
    /// The formula with members that take turns at guessing and reading; its answers stay the same.
    public func alternating(
        _ length: SpeculationLength = .automatic(upTo: 4),
        keeping agreement: GuessAgreement = .sameAnswer
    ) -> AlternatingModel {
        fused.alternating(length, keeping: agreement)
    }
}

extension FuseLogits where Members == Team<LogitAccess> {
    /// The fusion with members that take turns at guessing and reading; its answers stay the same.
    public func alternating(
        _ length: SpeculationLength = .automatic(upTo: 4),
        keeping agreement: GuessAgreement = .sameAnswer
    ) -> AlternatingModel {
        model.alternating(length, keeping: agreement)
    }
}
