/// What a named protocol does over its members: who is asked what, in which order, and what follows from it.
///
/// Where the values of ``DebateRules`` or ``VoteRules`` are enough, a protocol *is* such a value
/// (``DebateRules/multiAgentDebate(rounds:answers:)``). A procedure is for the others: those that ask for a critique, a
/// plan, a ranking, or a verdict. It implements ``conclude(_:)`` and ``calls(of:)``, and is then
///
/// - a stage: `Pipeline { Team { a; b; c }; NominalGroup() }`;
/// - a model with members of its own: `NominalGroup() { a; b; c }`, which is a ``Panel``.
///
/// Everything that a procedure says goes through its ``Meeting``, which keeps budgets, seats, quorum, trace, and the best
/// answer so far.
public protocol Procedure: Stage {
    /// How often each member sits at the table; each of its seats is asked for a sample of its own.
    var copies: Int { get }
    /// How answers are read, and what is done about failures and ties.
    var rules: MeetingRules { get }
    /// Who holds an office in it; models from outside the team count for where requests go (``ModelProfile``).
    var appointments: [Appointment] { get }
    /// How many calls it makes at least and at most with a team of some size that has not answered yet.
    func calls(of members: Int) -> ClosedRange<Int>
    /// Throws ``CollabError/Code/invalidRequest`` if it could never work with a team of some size.
    func validate(teamOf members: Int) throws(CollabError)
    /// Holds the meeting and comes to a conclusion.
    func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion
}

extension Procedure {
    /// One seat a member.
    public var copies: Int { 1 }
    /// Nobody.
    public var appointments: [Appointment] { [] }
    /// Any team will do.
    public func validate(teamOf members: Int) throws(CollabError) {}

    /// Throws ``CollabError/Code/invalidRequest`` if the procedure could never work with a team of some size, or has more
    /// seats than a table.
    func validateSeats(for members: Int) throws(CollabError) {
        try validate(teamOf: members)
        try Collab.validateSeats(copies, for: members)
    }

    /// The models that are asked without being members.
    var consulted: [any TextModel] {
        appointments.compactMap(\.outsider) + (rules.aggregation.arbiter?.models ?? [])
    }

    /// The calls with those of whoever decides where members disagree.
    func deciding(with members: Int) -> ClosedRange<Int> {
        let range = calls(of: members)
        // First and last answers at most.
        let deciding = rules.aggregation.callCount(forBallots: callCount(2, members, copies))
        return range.lowerBound...(range.upperBound + deciding)
    }

    /// A model that answers by this procedure, with members of its own.
    public func callAsFunction<Access: AccessLevel>(
        @TeamBuilder members: () -> TeamMembers<Access>
    ) -> Panel<Self> {
        Panel(name, self, members: members)
    }
}

// MARK: As a stage

extension Procedure {
    /// Throws ``CollabError/Code/invalidRequest`` if the procedure could never work with a team.
    public func validate<Access: AccessLevel>(_ team: Team<Access>) throws(CollabError) {
        try validate(teamOf: team.members.count)
    }

    /// The calls of a stage: drafts of earlier stages may spare opening answers.
    public func callRange(teamSize: Int) -> ClosedRange<Int> {
        let range = deciding(with: teamSize)
        return max(range.lowerBound - callCount(teamSize, copies), 0)...range.upperBound
    }

    /// Holds the meeting with the pipeline's team; settles as ``MeetingRules/settling`` says.
    public func advance<Access: AccessLevel>(
        _ deliberation: inout Deliberation<Access>
    ) async throws(CollabError) {
        try deliberation.team.validate()
        try validateSeats(for: deliberation.team.members.count)
        var meeting = Meeting(
            of: deliberation.team.textModels,
            copies: copies,
            request: deliberation.request,
            rules: rules,
            drafts: deliberation.drafts,
            sink: deliberation.sink
        )
        let outcome: Result<Conclusion, CollabError>
        do throws(CollabError) { outcome = .success(try await conclude(&meeting)) } catch {
            outcome = .failure(error)
        }
        deliberation.drafts += meeting.newDrafts(origin: name)
        if let best = meeting.best { deliberation.leading = Draft(best, origin: name) }
        let conclusion = try outcome.get()
        conclusion.record(by: name)
        let isSettled =
            switch rules.settling {
            case .always: true
            case .onAgreement: conclusion.isAgreed
            case .never: false
            }
        if conclusion.isStreamed {
            deliberation.settle(onStreamed: conclusion.response)
        } else if isSettled {
            await deliberation.settle(on: conclusion.response)
        } else {
            deliberation.leading = Draft(
                author: conclusion.response.model,
                response: conclusion.response,
                confidence: conclusion.confidence,
                origin: name
            )
        }
    }
}
