/// Teams collected by a ``RouteBuilder``.
public struct RouteTeams<Access: AccessLevel>: Sendable {
    var teams: [Team<Access>]
}

/// Collects the teams of a ``Route``; no more is known of any of them than of the weakest.
///
/// A bare model is a team of one, of the model's name.
@resultBuilder
public enum RouteBuilder {
    /// A team.
    public static func buildExpression<Access>(_ team: Team<Access>) -> RouteTeams<Access> {
        RouteTeams(teams: [team])
    }
    /// Several teams.
    public static func buildExpression<Access>(_ teams: [Team<Access>]) -> RouteTeams<Access> {
        RouteTeams(teams: teams)
    }
    /// A model that answers with text, as a team of one.
    public static func buildExpression(_ model: some TextModel) -> RouteTeams<TextAccess> {
        RouteTeams(teams: [Team(model.name, members: [model])])
    }
    /// A model that shows its logits, as a team of one.
    public static func buildExpression(_ model: some LogitModel) -> RouteTeams<LogitAccess> {
        RouteTeams(teams: [Team(model.name, members: [model])])
    }
    /// A model that shows its weights, as a team of one.
    public static func buildExpression(_ model: some WeightModel) -> RouteTeams<WeightAccess> {
        RouteTeams(teams: [Team(model.name, members: [model])])
    }
    /// A model of unknown type that answers with text, as a team of one.
    @_disfavoredOverload
    public static func buildExpression(_ model: any TextModel) -> RouteTeams<TextAccess> {
        RouteTeams(teams: [Team(model.name, members: [model])])
    }
    /// A model of unknown type that shows its logits, as a team of one.
    @_disfavoredOverload
    public static func buildExpression(_ model: any LogitModel) -> RouteTeams<LogitAccess> {
        RouteTeams(teams: [Team(model.name, members: [model])])
    }
    /// A model of unknown type that shows its weights, as a team of one.
    @_disfavoredOverload
    public static func buildExpression(_ model: any WeightModel) -> RouteTeams<WeightAccess> {
        RouteTeams(teams: [Team(model.name, members: [model])])
    }

    /// No teams; refused when it is first asked.
    public static func buildBlock() -> RouteTeams<TextAccess> { RouteTeams(teams: []) }

    /// The first team.
    public static func buildPartialBlock<Access>(first: RouteTeams<Access>) -> RouteTeams<Access> { first }

    /// A team of the same level as those before.
    public static func buildPartialBlock<Access>(
        accumulated: RouteTeams<Access>,
        next: RouteTeams<Access>
    ) -> RouteTeams<Access> {
        RouteTeams(teams: accumulated.teams + next.teams)
    }

    /// Teams of different levels share the weaker one.
    @_disfavoredOverload
    public static func buildPartialBlock<First: AccessLevel, Second: AccessLevel>(
        accumulated: RouteTeams<First>,
        next: RouteTeams<Second>
    ) -> RouteTeams<TextAccess> {
        RouteTeams(teams: accumulated.teams.map(\.asText) + next.teams.map(\.asText))
    }

    /// Teams of different levels that all show their logits share that.
    public static func buildPartialBlock(
        accumulated: RouteTeams<LogitAccess>,
        next: RouteTeams<WeightAccess>
    ) -> RouteTeams<LogitAccess> {
        RouteTeams(teams: accumulated.teams + next.teams.map(\.asLogits))
    }

    /// Teams of different levels that all show their logits share that.
    public static func buildPartialBlock(
        accumulated: RouteTeams<WeightAccess>,
        next: RouteTeams<LogitAccess>
    ) -> RouteTeams<LogitAccess> {
        RouteTeams(teams: accumulated.teams.map(\.asLogits) + next.teams)
    }

    /// Teams that are there only under a condition.
    public static func buildOptional<Access>(_ part: RouteTeams<Access>?) -> RouteTeams<Access> {
        part ?? RouteTeams(teams: [])
    }
    /// One of two alternatives.
    public static func buildEither<Access>(first: RouteTeams<Access>) -> RouteTeams<Access> { first }
    /// One of two alternatives.
    public static func buildEither<Access>(second: RouteTeams<Access>) -> RouteTeams<Access> { second }
    /// One of two alternatives, of which the other gives less access.
    @_disfavoredOverload
    public static func buildEither<Access>(first: RouteTeams<Access>) -> RouteTeams<TextAccess> {
        RouteTeams(teams: first.teams.map(\.asText))
    }
    /// One of two alternatives, of which the other gives less access.
    @_disfavoredOverload
    public static func buildEither<Access>(second: RouteTeams<Access>) -> RouteTeams<TextAccess> {
        RouteTeams(teams: second.teams.map(\.asText))
    }
    /// Teams from a loop.
    public static func buildArray<Access>(_ parts: [RouteTeams<Access>]) -> RouteTeams<Access> {
        RouteTeams(teams: parts.flatMap(\.teams))
    }
    /// Teams behind an availability check.
    public static func buildLimitedAvailability<Access>(_ part: RouteTeams<Access>) -> RouteTeams<Access> {
        part
    }
}
