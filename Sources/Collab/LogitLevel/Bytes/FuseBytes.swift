/// Writes one answer with several models, byte by byte, whatever their vocabularies are.
///
/// It is ``FuseLogits`` for models with different tokenizers: every member is read through a ``ByteModel``, and the
/// rule combines their distributions over the 256 bytes and the end.
///
/// ```swift
/// let together = FuseBytes(.productOfExperts) {
///     smolLM2
///     gemma
/// }
/// let answer = try await together.respond(to: .completion("The capital of France is"))
/// ```
///
/// Each member renders the request for itself. Token limits count bytes (2048 if nothing is said), sampling rules
/// apply to bytes, and the usage counts the bytes that were written. The trace notes, beside what ``FusedModel``
/// notes, the forward passes a byte, the segmentations that were followed, and the mass that pruning dropped.
///
/// Fusing per byte is not fusing per token, even for equal vocabularies: the distributions are normalised at every
/// byte. Where all members share a vocabulary, ``FuseLogits`` is cheaper.
public struct FuseBytes<Members: Participants>: Sendable {
    /// How the distributions are combined.
    public let fusion: Fusion
    /// Which segmentations of the text are followed for each member.
    public let pruning: BytePruning
    private let context: DraftContext
    let members: Members
    let lexicons = ByteLexicons()
    /// What its answers will have to be, so that its mask leaves some of it.
    var constraints: [Constraint] = []

    /// Fuses the team of the pipeline, whose members must show logits.
    ///
    /// - Parameters:
    ///   - fusion: how the members' distributions are combined.
    ///   - pruning: which segmentations of the text are followed.
    ///   - context: which of the earlier stages' drafts the members see. Roles decide that for themselves.
    public init(
        _ fusion: Fusion = .productOfExperts,
        pruning: BytePruning = .standard,
        informedBy context: DraftContext = .drafts
    ) where Members == CurrentTeam {
        self.fusion = fusion
        self.pruning = pruning
        self.context = context
        members = CurrentTeam()
    }

    /// Fuses members of its own.
    public init<Access: LogitReadable>(
        _ fusion: Fusion = .productOfExperts,
        pruning: BytePruning = .standard,
        @TeamBuilder members: () -> TeamMembers<Access>
    ) where Members == Team<LogitAccess> {
        self.fusion = fusion
        self.pruning = pruning
        context = .nothing
        self.members = Team(fusion.name, members: members().members.map(Access.logitModel))
    }

    /// Refuses members that only give text.
    @available(
        *,
        unavailable,
        message: """
            FuseBytes combines next-byte distributions, but at least one member only gives text; \
            use members that are all LogitModels, or a text collaboration such as Debate
            """
    )
    public init(
        _ fusion: Fusion = .productOfExperts,
        pruning: BytePruning = .standard,
        @TeamBuilder members: () -> TeamMembers<TextAccess>
    ) where Members == Team<LogitAccess> {
        self.init(fusion, pruning: pruning) { [any LogitModel]() }
    }

    func fused(_ members: [any LogitModel]) -> ByteFusion {
        ByteFusion(fusion, pruning, lexicons, members, constraints)
    }
}

extension FuseBytes: LogitStage where Members == CurrentTeam {
    /// The stage's name and rule.
    public var name: String { "FuseBytes (\(fusion.name))" }

    /// The fusion is one call, however many members take part in it.
    public func callRange(teamSize: Int) -> ClosedRange<Int> { 1...1 }

    /// Writes the answer with the team and settles on it.
    public func advance<Access: LogitReadable>(
        _ deliberation: inout Deliberation<Access>
    ) async throws(CollabError) {
        let drafts = deliberation.drafts
        let fusion = fused(deliberation.team.logitModels.map { informed($0, of: drafts) })
        try fusion.validate()
        let response = try await fusion.respond(to: deliberation.request, into: deliberation.sink)
        deliberation.settle(onStreamed: response)
    }

    private func informed(_ member: any LogitModel, of drafts: [Draft]) -> any LogitModel {
        if let role = (member as? any DraftInformed)?.informed(by: drafts) { return role }
        return drafts.isEmpty ? member : inContext(member, drafts)
    }

    private func inContext(_ member: some LogitModel, _ drafts: [Draft]) -> any LogitModel {
        let (context, name) = (context, member.name)
        return RoleModel(name, of: member, drafts: drafts) { request, drafts in
            context.inform(request, of: drafts, for: name)
        }
    }
}
