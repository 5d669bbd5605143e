/// Members of its own who answer by a procedure: the model form of a ``Procedure``.
///
/// `NominalGroup() { a; b; c }` makes one. If the budget runs out on the way, the best answer so far is returned with the
/// ending ``Response/Ending/budgetExhausted``.
public struct Panel<Held: Procedure>: Collaboration, BoundedCollaboration {
    /// What to call the panel in traces.
    public var name: String
    /// How it comes to an answer.
    public var procedure: Held
    let team: Team<TextAccess>

    /// Makes a panel.
    public init<Access: AccessLevel>(
        _ name: String,
        _ procedure: Held,
        @TeamBuilder members: () -> TeamMembers<Access>
    ) {
        self.name = name
        self.procedure = procedure
        team = Team<Access>(name, members: members().members).asText
    }

    /// The members' names, in declaration order.
    public var members: [String] { seats(for: team.textModels).map(\.name) }

    /// What the members, and whoever holds an office, have in common.
    public var profile: ModelProfile {
        ModelProfile(of: team.textModels + procedure.consulted)
    }

    /// How many calls an answer takes at least and at most.
    public var callRange: ClosedRange<Int> { procedure.deciding(with: team.members.count) }

    /// Holds the meeting and answers with its conclusion.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try team.validate()
        try procedure.validateSeats(for: team.members.count)
        var meeting = Meeting(
            of: team.textModels,
            copies: procedure.copies,
            request: request,
            rules: procedure.rules,
            drafts: [],
            sink: sink
        )
        do throws(CollabError) {
            let conclusion = try await procedure.conclude(&meeting)
            conclusion.record(by: name)
            if !conclusion.isStreamed { await sink.send(conclusion.response.text) }
            return conclusion.response
        } catch {
            guard error.code == .budgetExhausted else { throw error }
            if !meeting.written.isEmpty {
                // What has been streamed cannot be taken back: it is the answer.
                Run.note("budget", error.message)
                return Response(text: meeting.written, model: name, ending: .budgetExhausted)
            }
            guard var best = meeting.best?.response else { throw error }
            Run.note("budget", error.message)
            best.ending = .budgetExhausted
            await sink.send(best.text)
            return best
        }
    }
}

/// A collaboration that knows before it runs how many calls it makes.
public protocol BoundedCollaboration: Collaboration {
    /// How many calls an answer takes at least and at most.
    var callRange: ClosedRange<Int> { get }
}

extension Debate: BoundedCollaboration where With == Team<TextAccess> {}
extension Vote: BoundedCollaboration where With == Team<TextAccess> {}
extension BestOf: BoundedCollaboration where With == Team<TextAccess> {}
extension Mixture: BoundedCollaboration where With == Team<TextAccess> {}

extension Pipeline: BoundedCollaboration {
    /// What its ``forecast()`` says of the whole.
    public var callRange: ClosedRange<Int> { forecast().calls }
}
