/// Models that work on a request together, and what is known of all of them.
public struct Team<Access: AccessLevel>: Sendable {
    /// What to call the team in traces and routing decisions.
    public var name: String
    /// What the team is for, in a few words; routers that read descriptions choose by it.
    public var purpose: String
    /// The members, in declaration order.
    public var members: [Access.Member]

    /// Makes a team from members.
    public init(_ name: String = "team", for purpose: String = "", members: [Access.Member]) {
        self.name = name
        self.purpose = purpose
        self.members = members
    }

    /// Makes a team; its access level is the strongest that all members share.
    public init(
        _ name: String = "team",
        for purpose: String = "",
        @TeamBuilder members: () -> TeamMembers<Access>
    ) {
        self.init(name, for: purpose, members: members().members)
    }

    /// The members as text models.
    public var textModels: [any TextModel] { members.map(Access.textModel) }

    /// Throws ``CollabError/Code/emptyTeam`` if there are no members.
    func validate() throws(CollabError) {
        if members.isEmpty {
            throw CollabError(.emptyTeam, "The team “\(name)” has no members; give it at least one model.")
        }
    }

    /// The same team, of whose members no more is known than that they answer with text.
    public var asText: Team<TextAccess> { Team<TextAccess>(name, for: purpose, members: textModels) }
}

extension Team where Access: LogitReadable {
    /// The members as logit models.
    public var logitModels: [any LogitModel] { members.map(Access.logitModel) }

    /// The same team, of whose members no more is known than that they show logits.
    public var asLogits: Team<LogitAccess> { Team<LogitAccess>(name, for: purpose, members: logitModels) }
}

/// Members collected by a ``TeamBuilder``.
public struct TeamMembers<Access: AccessLevel>: Sendable {
    var members: [Access.Member]
}

/// Collects models into a team and infers the strongest access that all of them share.
@resultBuilder
public enum TeamBuilder {
    /// A model that answers with text.
    public static func buildExpression(_ model: some TextModel) -> TeamMembers<TextAccess> {
        TeamMembers(members: [model])
    }
    /// A model that shows its logits.
    public static func buildExpression(_ model: some LogitModel) -> TeamMembers<LogitAccess> {
        TeamMembers(members: [model])
    }
    /// A model that shows its weights.
    public static func buildExpression(_ model: some WeightModel) -> TeamMembers<WeightAccess> {
        TeamMembers(members: [model])
    }
    /// A model of unknown type that answers with text.
    @_disfavoredOverload
    public static func buildExpression(_ model: any TextModel) -> TeamMembers<TextAccess> {
        TeamMembers(members: [model])
    }
    /// A model of unknown type that shows its logits.
    @_disfavoredOverload
    public static func buildExpression(_ model: any LogitModel) -> TeamMembers<LogitAccess> {
        TeamMembers(members: [model])
    }
    /// A model of unknown type that shows its weights.
    @_disfavoredOverload
    public static func buildExpression(_ model: any WeightModel) -> TeamMembers<WeightAccess> {
        TeamMembers(members: [model])
    }
    /// Several models of which no more is known than that they answer with text.
    public static func buildExpression(_ models: [any TextModel]) -> TeamMembers<TextAccess> {
        TeamMembers(members: models)
    }
    /// Several models that show their logits.
    public static func buildExpression(_ models: [any LogitModel]) -> TeamMembers<LogitAccess> {
        TeamMembers(members: models)
    }
    /// Several models that show their weights.
    public static func buildExpression(_ models: [any WeightModel]) -> TeamMembers<WeightAccess> {
        TeamMembers(members: models)
    }

    /// An empty team; it is refused when it is first asked.
    public static func buildBlock() -> TeamMembers<TextAccess> { TeamMembers(members: []) }

    /// The first member.
    public static func buildPartialBlock<Access>(first: TeamMembers<Access>) -> TeamMembers<Access> { first }

    /// A member of the same level as those before.
    public static func buildPartialBlock<Access>(
        accumulated: TeamMembers<Access>,
        next: TeamMembers<Access>
    ) -> TeamMembers<Access> {
        TeamMembers(members: accumulated.members + next.members)
    }

    /// Members of different levels share the weaker one.
    @_disfavoredOverload
    public static func buildPartialBlock<First: AccessLevel, Second: AccessLevel>(
        accumulated: TeamMembers<First>,
        next: TeamMembers<Second>
    ) -> TeamMembers<TextAccess> {
        TeamMembers(
            members: accumulated.members.map(First.textModel) + next.members.map(Second.textModel)
        )
    }

    /// Members of different levels that all show their logits share that.
    public static func buildPartialBlock(
        accumulated: TeamMembers<LogitAccess>,
        next: TeamMembers<WeightAccess>
    ) -> TeamMembers<LogitAccess> {
        TeamMembers(members: accumulated.members + next.members.map(WeightAccess.logitModel))
    }

    /// Members of different levels that all show their logits share that.
    public static func buildPartialBlock(
        accumulated: TeamMembers<WeightAccess>,
        next: TeamMembers<LogitAccess>
    ) -> TeamMembers<LogitAccess> {
        TeamMembers(members: accumulated.members.map(WeightAccess.logitModel) + next.members)
    }

    /// Members that are there only under a condition.
    public static func buildOptional<Access>(_ part: TeamMembers<Access>?) -> TeamMembers<Access> {
        part ?? TeamMembers(members: [])
    }
    /// One of two alternatives.
    public static func buildEither<Access>(first: TeamMembers<Access>) -> TeamMembers<Access> { first }
    /// One of two alternatives.
    public static func buildEither<Access>(second: TeamMembers<Access>) -> TeamMembers<Access> { second }
    /// One of two alternatives, of which the other gives less access.
    @_disfavoredOverload
    public static func buildEither<Access>(first: TeamMembers<Access>) -> TeamMembers<TextAccess> {
        TeamMembers(members: first.members.map(Access.textModel))
    }
    /// One of two alternatives, of which the other gives less access.
    @_disfavoredOverload
    public static func buildEither<Access>(second: TeamMembers<Access>) -> TeamMembers<TextAccess> {
        TeamMembers(members: second.members.map(Access.textModel))
    }
    /// Members from a loop.
    public static func buildArray<Access>(_ parts: [TeamMembers<Access>]) -> TeamMembers<Access> {
        TeamMembers(members: parts.flatMap(\.members))
    }
    /// Members behind an availability check.
    public static func buildLimitedAvailability<Access>(_ part: TeamMembers<Access>) -> TeamMembers<Access> {
        part
    }
}
