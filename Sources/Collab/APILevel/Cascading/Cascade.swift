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
/// A member that fails is passed over; the cascade fails only if all members do. An answer that cannot be judged, since
/// a verifier fails, is not accepted. Frugal cascades of this kind are
/// described by Chen, Zaharia and Zou (2023), “FrugalGPT”.
public struct Cascade<With: Participants>: Sendable {
    /// What to call the cascade in traces.
    public var name: String
    /// When an answer is accepted.
    public var acceptance: Acceptance
    /// When the answers of the first, the second, … member are accepted; ``acceptance`` holds for the others.
    public var earlier: [Acceptance] = []
    let participants: With

    /// When the answer of the member at a place is accepted.
    func acceptance(at place: Int) -> Acceptance {
        earlier.indices.contains(place) ? earlier[place] : acceptance
    }

    /// One call a member at most; one at least.
    public func callRange(teamSize: Int) -> ClosedRange<Int> {
        guard teamSize > 0 else { return 0...0 }
        let most = (0..<teamSize).reduce(0) { $0 + 1 + acceptance(at: $1).callRange.upperBound }
        return (1 + acceptance(at: 0).callRange.lowerBound)...most
    }
}

extension Cascade where With == CurrentTeam {
    /// Makes a stage that works with the pipeline's team.
    public init(until acceptance: Acceptance) {
        self.init(name: "cascade", acceptance: acceptance, participants: CurrentTeam())
    }

    /// Makes a stage with a rule for each member of the pipeline's team; the last one holds for all that follow.
    ///
    /// Without any rule nothing is accepted.
    public init(untilEach acceptances: [Acceptance]) {
        self.init(until: acceptances.last ?? .never)
        earlier = acceptances.dropLast()
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

    /// Makes a model with a rule for each of its own members, cheapest first; the last one holds for all that follow.
    ///
    /// Without any rule nothing is accepted, and the last member's answer is taken.
    public init<Access: AccessLevel>(
        _ name: String = "cascade",
        untilEach acceptances: [Acceptance],
        @TeamBuilder members: () -> TeamMembers<Access>
    ) {
        self.init(name, until: acceptances.last ?? .never, members: members)
        earlier = acceptances.dropLast()
    }

    /// Makes a model that follows a plan: the members that it names, in its order, each with its threshold.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` if the plan names a member that is not there.
    public init<Access: AccessLevel>(
        _ name: String = "cascade",
        following plan: CascadePlan,
        by signal: ConfidenceSignal = .meanTokenProbability,
        @TeamBuilder members: () -> TeamMembers<Access>
    ) throws(CollabError) {
        let models = members().members.map(Access.textModel)
        var chosen: [any TextModel] = []
        for step in plan.steps {
            guard let model = models.first(where: { $0.name == step.member }) else {
                let names = models.map(\.name).joined(separator: ", ")
                throw CollabError(
                    .invalidRequest,
                    "The plan asks “\(step.member)”, but the members are \(names)."
                )
            }
            chosen.append(model)
        }
        self.init(
            name: name,
            acceptance: .never,
            participants: Team<TextAccess>(name, members: chosen)
        )
        earlier = plan.steps.map { step in
            step.threshold.map { Acceptance.confidence(signal, above: $0) } ?? .never
        }
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
            acceptance: acceptance(at:),
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
    /// What the members, and whoever is asked how good their answers are, have in common.
    public var profile: ModelProfile {
        let judges = (earlier + [acceptance]).flatMap(\.models)
        return ModelProfile(of: participants.textModels + judges)
    }

    /// Asks the members in turn; the last one streams directly, since its answer is taken in any case.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try participants.validate()
        let output = CountingSink(sink)
        let members = seats(for: participants.textModels)
        var climb = CascadeClimb(acceptance: acceptance(at:), request: request, drafts: [])
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
