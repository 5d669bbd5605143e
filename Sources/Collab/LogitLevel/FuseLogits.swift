/// Writes one answer with several models, token by token, from their combined next-token distributions.
///
/// As a stage it works with the pipeline's team, whose members must show logits, and settles the answer, streaming
/// it as it is written:
///
/// ```swift
/// Pipeline {
///     Team {
///         model.role("informed", informedBy: .drafts)
///         model.role("independent")
///     }
///     Debate(rounds: 2)
///     FuseLogits(.contextAware(alpha: 0.5))
/// }
/// ```
///
/// With members of its own it is a model: `FuseLogits(.productOfExperts) { base; expert }`.
public struct FuseLogits<Members: Participants>: Sendable {
    /// How the distributions are combined.
    public let fusion: Fusion
    private let context: DraftContext
    let members: Members
    var fused: FusedModel?

    /// Fuses the team of the pipeline.
    ///
    /// - Parameters:
    ///   - fusion: how the members' distributions are combined.
    ///   - context: which of the earlier stages' drafts the members see. Roles made with
    ///     ``LogitModel/role(_:instructions:informedBy:)`` decide that for themselves.
    public init(_ fusion: Fusion = .productOfExperts, informedBy context: DraftContext = .drafts)
    where Members == CurrentTeam {
        self.fusion = fusion
        self.context = context
        members = CurrentTeam()
        fused = nil
    }

    /// Fuses members of its own.
    public init<Access: LogitReadable>(
        _ fusion: Fusion = .productOfExperts,
        @TeamBuilder members: () -> TeamMembers<Access>
    ) where Members == Team<LogitAccess> {
        self.fusion = fusion
        context = .nothing
        self.members = Team(fusion.name, members: members().members.map(Access.logitModel))
        fused = FusedModel(nil, fusion, members: self.members.members)
    }

    /// Refuses members that only give text.
    @available(
        *,
        unavailable,
        message: """
            FuseLogits combines next-token logits, but at least one member only gives text; \
            use members that are all LogitModels, or a text collaboration such as Debate
            """
    )
    public init(
        _ fusion: Fusion = .productOfExperts,
        @TeamBuilder members: () -> TeamMembers<TextAccess>
    ) where Members == Team<LogitAccess> {
        self.init(fusion) { [any LogitModel]() }
    }
}

extension FuseLogits: LogitStage where Members == CurrentTeam {
    /// The stage's name and rule.
    public var name: String { "FuseLogits (\(fusion.name))" }

    /// The fusion is one call, however many members take part in it.
    public func callRange(teamSize: Int) -> ClosedRange<Int> { 1...1 }

    /// Throws ``CollabError/Code/vocabularyMismatch`` or ``CollabError/Code/invalidRequest`` for a team that the rule
    /// cannot fuse.
    public func validate<Access: LogitReadable>(_ team: Team<Access>) throws(CollabError) {
        try FusedModel(nil, fusion, members: team.logitModels).validate()
    }

    /// Writes the answer with the team and settles on it.
    public func advance<Access: LogitReadable>(
        _ deliberation: inout Deliberation<Access>
    ) async throws(CollabError) {
        let drafts = deliberation.drafts
        let members = deliberation.team.logitModels.map { informed($0, of: drafts) }
        let fused = FusedModel(nil, fusion, members: members)
        try fused.validate()
        let response = try await fused.respond(to: deliberation.request, into: deliberation.sink)
        deliberation.settle(onStreamed: response)
    }

    private func informed(_ member: any LogitModel, of drafts: [Draft]) -> any LogitModel {
        if let role = (member as? any DraftInformed)?.informed(by: drafts) { return role }
        if drafts.isEmpty { return member }
        return inContext(member, drafts)
    }

    private func inContext(_ member: some LogitModel, _ drafts: [Draft]) -> any LogitModel {
        let (context, name) = (context, member.name)
        return RoleModel(name, of: member, drafts: drafts) { request, drafts in
            context.inform(request, of: drafts, for: name)
        }
    }
}

extension FuseLogits: TextModel, LogitModel where Members == Team<LogitAccess> {
    var model: FusedModel { fused ?? FusedModel(nil, fusion, members: members.members) }

    /// The rule's and the members' names.
    public var name: String { model.name }
    /// The vocabulary that the members share.
    public var tokenizer: any Tokenizer { model.tokenizer }
    /// The shortest of the members' contexts.
    public var contextLength: Int { model.contextLength }

    /// The request's tokens as the first member renders it.
    public func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try model.promptTokens(for: request)
    }
    /// A decoder that hands the same tokens to every member.
    public func makeDecoder() async throws(CollabError) -> any Decoder { try await model.makeDecoder() }
    /// A decoder whose members have each read the request.
    public func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        try await model.startDecoding(request)
    }
    /// A decoder whose members have each read the same tokens.
    public func startDecoding(reading tokens: [TokenID]) async throws(CollabError) -> DecodingStart {
        try await model.startDecoding(reading: tokens)
    }
    /// Writes an answer together.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try await model.generate(request, into: sink)
    }
    /// Checks that the members can be fused; see ``FusedModel/validate()``.
    public func validate() throws(CollabError) { try model.validate() }
}
