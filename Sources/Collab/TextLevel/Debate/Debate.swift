/// Members answer, see each other's answers, and answer again until they agree or a rule ends the talk; then they vote.
///
/// The default is what the evidence supports: members who agree from the start do not debate (most of the gain of a
/// debate is the vote over first answers, Choi et al. 2025); otherwise each is shown one example of every answer that
/// differs from its own, for at most two rounds; if they still differ, first and last answers are voted on, and answers
/// that could not be read are no votes. With a ``Calibration``, `aggregation: .logOdds(calibration)` weighs the votes.
///
/// - As a stage, `Debate(rounds: 2)` works with the pipeline's team. Answers that its members have already given as
///   drafts of an earlier stage are taken over instead of being asked for again. If the members agree, the question
///   is settled; otherwise the vote's winner leads the drafts, and later stages go on from it.
/// - As a model, `Debate(rounds: 2) { a; b; c }` has members of its own and answers with the vote's winner.
public struct Debate<With: Participants>: Sendable {
    /// What to call the debate in traces.
    public var name: String
    /// What makes this debate different from others.
    public var rules: DebateRules
    let participants: With

    /// Calls for a team of some size: drafts may spare the opening round, agreement every later one.
    public func callRange(teamSize: Int) -> ClosedRange<Int> {
        let measuring = rules.confidence.callRange.upperBound + 1
        // A member alone has nobody to talk with.
        let rounds = teamSize > 1 ? min(max(rules.rounds, 0), Int(Int32.max)) : 0
        let stopping = callCount(rules.stopping.models.count, 1 + rounds)
        let deciding = rules.aggregation.callCount(forBallots: callCount(teamSize, rounds > 0 ? 2 : 1))
        return 0...(callCount(teamSize, 1 + rounds, measuring) + stopping + deciding)
    }
}

extension Debate where With == CurrentTeam {
    /// Makes a stage that works with the pipeline's team.
    public init(
        rounds: Int = 2,
        answers: AnswerFormat = .freeText,
        until stopping: Stopping = .unanimity,
        settling: Settling = .onAgreement
    ) {
        self.init(DebateRules(rounds: rounds, answers: answers, until: stopping, settling: settling))
    }

    /// Makes a stage that works with the pipeline's team under rules of its own.
    public init(_ rules: DebateRules) {
        self.init(name: "debate", rules: rules, participants: CurrentTeam())
    }
}

extension Debate where With == Team<TextAccess> {
    /// Makes a model with members of its own.
    public init<Access: AccessLevel>(
        _ name: String = "debate",
        rounds: Int = 2,
        answers: AnswerFormat = .freeText,
        until stopping: Stopping = .unanimity,
        @TeamBuilder members: () -> TeamMembers<Access>
    ) {
        self.init(name, DebateRules(rounds: rounds, answers: answers, until: stopping), members: members)
    }

    /// Makes a model with members of its own under rules of its own.
    public init<Access: AccessLevel>(
        _ name: String = "debate",
        _ rules: DebateRules,
        @TeamBuilder members: () -> TeamMembers<Access>
    ) {
        let team = Team<Access>(name, members: members().members)
        self.init(name: name, rules: rules, participants: team.asText)
    }

    /// One call a member at least; one a member and round at most.
    public var callRange: ClosedRange<Int> {
        let count = participants.members.count
        let most = callRange(teamSize: count).upperBound
        return min(count * (1 + rules.confidence.callRange.lowerBound), most)...most
    }
}

extension Debate: Stage where With == CurrentTeam {
    /// Holds the debate; settles if the members agree (or as ``Settling`` says).
    public func advance<Access: AccessLevel>(
        _ deliberation: inout Deliberation<Access>
    ) async throws(CollabError) {
        try deliberation.team.validate()
        var session = try DebateSession(
            rules: rules,
            models: deliberation.team.textModels,
            request: deliberation.request
        )
        try await session.hold(for: &deliberation, origin: name)
    }
}

extension Debate: TextModel, Collaboration where With == Team<TextAccess> {
    /// What the members have in common.
    public var profile: ModelProfile { ModelProfile(of: participants.textModels + rules.consulted) }

    /// Holds the debate and answers with the vote's winner.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try participants.validate()
        var session = try DebateSession(rules: rules, models: participants.textModels, request: request)
        return try await session.answer(into: sink)
    }
}
