/// Asks for several answers side by side and takes the one that is given most often.
///
/// With one member and several samples this is self-consistency (Wang et al. 2023): every sample is a request of its
/// own sample index, drawn at a temperature above zero. With several members it is the plurality of a team. Answers
/// that could not be read are no votes.
///
/// - As a stage, `Vote(samples: 5)` works with the pipeline's team and takes over drafts of its members as their
///   first samples. It settles as ``Settling`` says; by default, always.
/// - As a model, `Vote(samples: 5) { model }` has members of its own.
public struct Vote<With: Participants>: Sendable {
    /// What to call the vote in traces.
    public var name: String
    /// How the vote is held.
    public var rules: VoteRules
    let participants: With

    /// One call a member and sample at most; drafts of earlier stages may spare calls.
    public func callRange(teamSize: Int) -> ClosedRange<Int> {
        let ballots = callCount(teamSize, rules.samples)
        let deciding = rules.aggregation.callCount(forBallots: ballots)
        return 0...(callCount(ballots, 1 + rules.confidence.callRange.upperBound) + deciding)
    }
}

extension Vote where With == CurrentTeam {
    /// Makes a stage that works with the pipeline's team.
    public init(samples: Int = 1, answers: AnswerFormat = .freeText, settling: Settling = .always) {
        self.init(VoteRules(samples: samples, answers: answers, settling: settling))
    }

    /// Makes a stage that works with the pipeline's team under rules of its own.
    public init(_ rules: VoteRules) {
        self.init(name: "vote", rules: rules, participants: CurrentTeam())
    }
}

extension Vote where With == Team<TextAccess> {
    /// Makes a model with members of its own.
    public init<Access: AccessLevel>(
        _ name: String = "vote",
        samples: Int = 1,
        answers: AnswerFormat = .freeText,
        @TeamBuilder members: () -> TeamMembers<Access>
    ) {
        self.init(name, VoteRules(samples: samples, answers: answers), members: members)
    }

    /// Makes a model with members of its own under rules of its own.
    public init<Access: AccessLevel>(
        _ name: String = "vote",
        _ rules: VoteRules,
        @TeamBuilder members: () -> TeamMembers<Access>
    ) {
        let team = Team<Access>(name, members: members().members)
        self.init(name: name, rules: rules, participants: team.asText)
    }

    /// One call a member and sample.
    public var callRange: ClosedRange<Int> {
        let most = callRange(teamSize: participants.members.count).upperBound
        return min(participants.members.count * max(rules.samples, 0), most)...most
    }
}

extension Vote: Stage where With == CurrentTeam {
    /// Holds the vote.
    public func advance<Access: AccessLevel>(
        _ deliberation: inout Deliberation<Access>
    ) async throws(CollabError) {
        try deliberation.team.validate()
        var session = try rules.session(deliberation.team.textModels, deliberation.request)
        try await session.hold(for: &deliberation, origin: name)
    }
}

extension Vote: TextModel, Collaboration where With == Team<TextAccess> {
    /// What the members, and whoever is asked about their answers, have in common.
    public var profile: ModelProfile { ModelProfile(of: participants.textModels + rules.consulted) }

    /// Holds the vote and answers with its winner.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try participants.validate()
        var session = try rules.session(participants.textModels, request)
        return try await session.answer(into: sink)
    }
}
