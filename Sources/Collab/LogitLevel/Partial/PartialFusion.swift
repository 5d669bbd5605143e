/// Models that write together, token by token, although they tell only their most probable next tokens.
///
/// It is what ``FusedModel`` is for models behind servers. The rule is applied to intervals (``IntervalFusion``), and the
/// trace says of how many tokens the result was exact, and how far the others may have been from the fusion of the whole
/// distributions. Where a token is not certain, more of the most probable tokens are asked for, up to a limit.
///
/// Members render the request for themselves and are known by their tokens' bytes, so they may be of different
/// vocabularies; a token that one of them never writes as such is then seldom listed by all, and a product cannot choose
/// it. Each token takes one request of every member, and the prompts' cache of the server makes them short.
public struct PartialFusion: TextModel {
    /// What to call it.
    public let name: String
    /// How the distributions are combined.
    public let fusion: Fusion
    /// Who writes.
    public let members: [any TopLogprobModel]
    /// How many of the most probable tokens are asked for at first, and at most.
    public let counts: ClosedRange<Int>
    /// With what bound of the total variation a drawn token is content.
    public let tolerance: Double
    /// How many tokens a local member guesses, so that servers which can tell what follows each are asked once for all.
    public let lookahead: Int

    /// Makes a fusion.
    ///
    /// - Parameters:
    ///   - fusion: how the distributions are combined; see ``IntervalFusion`` for what is possible.
    ///   - members: who writes.
    ///   - counts: how many of the most probable tokens are asked for at first, and at most where that leaves a token
    ///     open.
    ///   - tolerance: with what bound of the total variation a drawn token is content.
    ///   - lookahead: how many tokens the first local member (``TopsOfLogits``) guesses, so that servers which can tell
    ///     what follows each of them (vLLM) are asked once for all. Guesses change no answer.
    public init(
        _ fusion: Fusion,
        members: [any TopLogprobModel],
        asking counts: ClosedRange<Int> = 20...160,
        tolerance: Double = 0.02,
        lookahead: Int = 4
    ) {
        self.tolerance = tolerance
        self.lookahead = lookahead
        self.fusion = fusion
        self.members = members
        self.counts = counts
        name = "\(fusion.name) of \(members.map(\.name).joined(separator: ", "))"
    }

    /// What the members have in common, but no price.
    public var profile: ModelProfile {
        var profile = ModelProfile(of: members)
        if members.count > 1 { profile.price = nil }
        return profile
    }

    /// Checks that the rule can be bounded, and that its weights fit.
    ///
    /// Throws ``CollabError/Code/emptyTeam`` or ``CollabError/Code/invalidRequest``.
    public func validate() throws(CollabError) {
        _ = try IntervalFusion(fusion, memberCount: members.count)
        if counts.lowerBound < 1 {
            throw CollabError(
                .invalidRequest,
                "\(counts.lowerBound) tokens cannot be asked for; the least is 1."
            )
        }
    }

    /// Writes an answer together, and notes in the trace how exact it is.
    ///
    /// Temperature and top-k apply to the tokens that are known; top-p, min-p and a repetition penalty do not.
    /// Throws ``CollabError/Code/invalidRequest`` for these, ``CollabError/Code/nothingToSample`` where no token is known
    /// well enough, ``CollabError/Code/unfinishedAnswer`` where a member's constraint demands more than was written, and what
    /// the members throw.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let rule = try IntervalFusion(fusion, memberCount: members.count)
        try validate()
        try request.options.validate()
        let sampling = request.options.sampling
        guard sampling.topP == 1, sampling.minP == 0, sampling.repetitionPenalty == 1 else {
            throw CollabError(
                .invalidRequest,
                "Top-p, min-p and repetition penalties need whole distributions; \(name) knows the likeliest tokens alone."
            )
        }
        let seed =
            request.options.seed
            ?? Run.current?.drawSeed("\(seedName)/\(request.sample)/\(request.contentHash)")
            ?? UInt64(bitPattern: Int64(request.sample))
        try checkCancellation()
        let answers = try await concurrently(members) { (member) async throws(CollabError) in
            do throws(CollabError) { return try await member.startAnswer(request) } catch {
                throw error.within(member.name)
            }
        }
        var writer = try PartialAnswer(
            request,
            rule,
            members.map(\.name),
            answers,
            counts.lowerBound...max(counts.lowerBound, min(counts.upperBound, longestList)),
            tolerance,
            lookahead,
            seed: seed
        )
        let ending = try await writer.run(into: sink)
        writer.note()
        let response = Response(
            text: writer.text,
            model: name,
            ending: ending,
            tokens: request.options.listsTokens ? writer.tokens : nil,
            usage: writer.usage
        )
        try writer.constraints.check(response)
        return response
    }
}

extension PartialFusion {
    /// The longest list that a member could give.
    private var longestList: Int { members.map { $0.limit ?? .max }.max() ?? .max }
}
