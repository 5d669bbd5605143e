/// Asks the cheapest member first and goes on to the next only while the answer is not sure enough.
///
/// Declaration order is the order of cost. Each member's confidence is computed from its answer (by default from the
/// token probabilities that the model itself reports) and held against the acceptance rule. A confidence that cannot
/// be measured is never accepted.
///
/// - As a stage, `Cascade(until: .confidence(above: 0.8))` works with the pipeline's team. An accepted answer settles
///   the question; otherwise all answers stay as drafts for later stages.
/// - As a model, `Cascade(until: …) { small; large }` has members of its own. If nobody's answer is accepted, that of
///   the last member who answered is taken, and the trace marks it as not accepted.
///
/// A member that fails is passed over; the cascade fails only if all members do. Frugal cascades of this kind are
/// described by Chen, Zaharia and Zou (2023), “FrugalGPT”.
public struct Cascade<With: Participants>: Sendable {
    /// What to call the cascade in traces.
    public var name: String
    /// When an answer is accepted.
    public var acceptance: Acceptance
    let participants: With

    /// One call a member at most; one at least.
    public func callRange(teamSize: Int) -> ClosedRange<Int> {
        let judging = acceptance.callRange
        guard teamSize > 0 else { return 0...0 }
        return (1 + judging.lowerBound)...(teamSize * (1 + judging.upperBound))
    }
}

extension Cascade where With == CurrentTeam {
    /// Makes a stage that works with the pipeline's team.
    public init(until acceptance: Acceptance) {
        self.init(name: "cascade", acceptance: acceptance, participants: CurrentTeam())
    }
}

extension Cascade where With == Team<TextAccess> {
    /// Makes a model with members of its own, cheapest first.
    public init<Access: AccessLevel>(
        _ name: String = "cascade",
        until acceptance: Acceptance,
        @TeamBuilder members: () -> TeamMembers<Access>
    ) {
        let team = Team<Access>(name, members: members().members)
        self.init(name: name, acceptance: acceptance, participants: team.asText)
    }

    /// One call at least, one a member at most.
    public var callRange: ClosedRange<Int> { callRange(teamSize: participants.members.count) }
}

extension Cascade: Stage where With == CurrentTeam {
    /// Asks the members in turn; settles on the first answer that is accepted.
    public func advance<Access: AccessLevel>(
        _ deliberation: inout Deliberation<Access>
    ) async throws(CollabError) {
        try deliberation.team.validate()
        var climb = CascadeClimb(
            acceptance: acceptance,
            request: deliberation.request,
            drafts: deliberation.drafts
        )
        defer {
            deliberation.drafts = climb.drafts
            if let best = climb.best { deliberation.leading = best }
        }
        for seat in seats(for: deliberation.team.textModels) {
            if try await climb.ask(seat, into: .discarding, isLast: false) { break }
        }
        if let accepted = climb.accepted {
            climb.recordDecision(choosing: accepted, wasAccepted: true)
            await deliberation.settle(on: accepted.response)
        } else if climb.best == nil {
            throw climb.everybodyFailed()
        } else {
            climb.recordDecision(choosing: nil, wasAccepted: false)
        }
    }
}

extension Cascade: TextModel, Collaboration where With == Team<TextAccess> {
    /// Asks the members in turn; the last one streams directly, since its answer is taken in any case.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try participants.validate()
        let output = CountingSink(sink)
        let members = seats(for: participants.textModels)
        var climb = CascadeClimb(acceptance: acceptance, request: request, drafts: [])
        do throws(CollabError) {
            for seat in members {
                let isLast = seat.index == members.count - 1
                if try await climb.ask(seat, into: isLast ? output.entrance : .discarding, isLast: isLast) {
                    break
                }
            }
        } catch {
            guard error.code == .budgetExhausted, output.isEmpty, var best = climb.best?.response else {
                throw error
            }
            Run.note("budget", error.message)
            best.ending = .budgetExhausted
            await output.entrance.send(best.text)
            return best
        }
        guard let answer = climb.accepted ?? climb.drafts.last else { throw climb.everybodyFailed() }
        climb.recordDecision(choosing: answer, wasAccepted: climb.accepted != nil)
        if output.isEmpty { await output.entrance.send(answer.text) }
        return answer.response
    }
}
