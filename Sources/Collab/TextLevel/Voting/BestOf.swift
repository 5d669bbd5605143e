/// Asks for several answers side by side, scores each, and takes the best.
///
/// The score is any ``ConfidenceSignal``: the model's own token probabilities, a verifier that asks another model, or
/// a closure such as a unit test for generated code. Answers that could not be scored lose against all others (ties:
/// the earliest).
///
/// - As a stage, `BestOf(5)` works with the pipeline's team, and settles the question.
/// - As a model, `BestOf(5) { model }` has members of its own.
public struct BestOf<With: Participants>: Sendable {
    /// What to call the choice in traces.
    public var name: String
    /// How the answers are asked for and scored.
    public var rules: VoteRules
    let participants: With

    /// One call a member and sample, and what scoring takes.
    public func callRange(teamSize: Int) -> ClosedRange<Int> {
        0...callCount(teamSize, rules.samples, 1 + rules.confidence.callRange.upperBound)
    }

    fileprivate static func rules(_ samples: Int, _ score: ConfidenceSignal) -> VoteRules {
        VoteRules(samples: samples, quorum: .atLeast(1), confidence: score)
    }

    /// The best answer of a session, recorded with the scores of all.
    fileprivate func best(of session: DebateSession) -> Statement? {
        guard let best = session.surest else { return nil }
        let isScored = best.confidence != nil
        Run.record(
            Decision(
                choice: best.speaker,
                reason: isScored
                    ? "\(best.speaker) has the highest \(rules.confidence)"
                    : "\(rules.confidence) could not be measured; the first answer stands",
                scores: session.table.latest.map { Decision.Score($0.speaker, $0.confidence) }
            )
        )
        Run.record(confidence: best.confidence)
        return best
    }
}

extension BestOf where With == CurrentTeam {
    /// Makes a stage that asks every member of the pipeline's team for so many samples.
    public init(_ samples: Int, by score: ConfidenceSignal = .meanTokenProbability) {
        self.init(name: "best of \(samples)", rules: Self.rules(samples, score), participants: CurrentTeam())
    }
}

extension BestOf where With == Team<TextAccess> {
    /// Makes a model that asks every member of its own for so many samples.
    public init<Access: AccessLevel>(
        _ samples: Int,
        by score: ConfidenceSignal = .meanTokenProbability,
        @TeamBuilder members: () -> TeamMembers<Access>
    ) {
        let name = "best of \(samples)"
        let team = Team<Access>(name, members: members().members)
        self.init(name: name, rules: Self.rules(samples, score), participants: team.asText)
    }

    /// One call a member and sample, and what scoring takes.
    public var callRange: ClosedRange<Int> {
        let most = callRange(teamSize: participants.members.count).upperBound
        return min(participants.members.count * max(rules.samples, 0), most)...most
    }
}

extension BestOf: Stage where With == CurrentTeam {
    /// Asks, scores, and settles on the best answer.
    public func advance<Access: AccessLevel>(
        _ deliberation: inout Deliberation<Access>
    ) async throws(CollabError) {
        try deliberation.team.validate()
        var session = try rules.session(deliberation.team.textModels, deliberation.request)
        let failure = await session.talk(for: &deliberation, origin: name)
        let best = best(of: session)
        if let best { deliberation.leading = Draft(best, origin: name) }
        if let failure { throw failure }
        if let best { await deliberation.settle(on: best.response) }
    }
}

extension BestOf: TextModel, Collaboration where With == Team<TextAccess> {
    /// What the members, and whoever scores their answers, have in common.
    public var profile: ModelProfile { ModelProfile(of: participants.textModels + rules.consulted) }

    /// Asks, scores, and answers with the best.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try participants.validate()
        var session = try rules.session(participants.textModels, request)
        var exhausted: CollabError?
        do throws(CollabError) { try await session.hold(reusing: []) } catch {
            guard error.code == .budgetExhausted else { throw error }
            exhausted = error
        }
        guard var response = best(of: session)?.response else {
            throw exhausted ?? CollabError(.emptyTeam, "Nobody has answered.")
        }
        if let exhausted {
            Run.note("budget", exhausted.message)
            response.ending = .budgetExhausted
        }
        await sink.send(response.text)
        return response
    }
}
