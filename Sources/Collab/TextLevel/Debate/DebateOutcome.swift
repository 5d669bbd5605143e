/// What a debate came to.
struct DebateOutcome {
    let tally: Tally
    let verdict: Stopping.Verdict?
    let table: DebateTable
    /// The statement that speaks for the winning answer; where nobody's answer could be read, the surest one.
    let winner: Statement?
    /// The answer that was chosen.
    let answer: Answer

    /// - Parameter written: an answer that was written from those of the members, if one was.
    init(of session: DebateSession, tally: Tally, written: Response?) {
        self.tally = tally
        verdict = session.verdict
        table = session.table
        if let written {
            answer = session.rules.answers.answer(in: written.text)
            winner = Statement(
                member: session.seats.count,
                speaker: written.model,
                round: session.table.round,
                response: written,
                answer: answer
            )
            isWritten = true
        } else {
            answer = tally.answer
            winner = session.spokesman(for: tally.answer)
            isWritten = false
        }
    }

    /// Whether the answer was written from those of the members.
    private let isWritten: Bool

    /// Whether a stage with a rule of settling takes the winner as the answer.
    ///
    /// Without an answer that could be read nothing is ever settled.
    func settles(_ settling: Settling) -> Bool {
        guard tally.winner != nil else { return false }
        switch settling {
        case .onAgreement: return !isWritten && verdict?.isAgreement ?? false
        case .always: return true
        case .never: return false
        }
    }

    /// The winner as a draft.
    func leading(origin: String) -> Draft? {
        winner.map { Draft($0, origin: origin) }
    }

    /// Records who moved, how the votes fell, which rule ended the talk, and what was chosen.
    func record(isSettled: Bool) {
        for flip in table.flips {
            Run.note(
                "changed",
                "\(table.members[flip.member]), round \(flip.round): \(flip.before) → \(flip.after)"
            )
        }
        Run.note("votes", tally.summary)
        let rule = verdict?.rule ?? "the budget"
        Run.note("ended by", "\(rule), after \(table.round == 0 ? "the opening" : "round \(table.round)")")
        var reason = "\(tally.rule) after \(rule): \(tally.summary)"
        if let ties = tally.tieRule { reason += "; tie broken by \(ties.rawValue)" }
        if isWritten { reason += "; one answer was written from them" }
        if tally.winner == nil { reason += "; there was no vote, so the surest statement stands" }
        Run.record(
            Decision(
                choice: isSettled ? answer.description : "\(answer) (leading)",
                reason: reason,
                scores: tally.candidates.map { Decision.Score($0.answer.description, $0.weight) },
                answer: answer
            )
        )
        Run.record(confidence: tally.winner == nil || isWritten ? nil : tally.share)
    }
}

extension Draft {
    /// A statement as a draft.
    init(_ statement: Statement, origin: String) {
        self.init(
            author: statement.speaker,
            response: statement.response,
            confidence: statement.confidence,
            origin: statement.round == 0 ? origin : "\(origin), round \(statement.round)"
        )
    }
}

extension DebateSession {
    /// Holds the talk for a pipeline: statements become drafts, also those made before a failure, which is returned.
    mutating func talk<Access: AccessLevel>(
        for deliberation: inout Deliberation<Access>,
        origin: String
    ) async -> CollabError? {
        var failure: CollabError?
        do throws(CollabError) { try await hold(reusing: deliberation.drafts) } catch { failure = error }
        deliberation.drafts += newDrafts(origin: origin, after: deliberation.drafts)
        return failure
    }

    /// Holds the debate for a pipeline: the winner leads, and the answer is settled if the rules say so.
    mutating func hold<Access: AccessLevel>(
        for deliberation: inout Deliberation<Access>,
        origin: String
    ) async throws(CollabError) {
        let broken = await talk(for: &deliberation, origin: origin)
        let (outcome, failure) = await outcome(after: broken)
        let isSettled = failure == nil && outcome.settles(rules.settling)
        if let leading = outcome.leading(origin: origin) {
            deliberation.leading = leading
            outcome.record(isSettled: isSettled)
        }
        if let failure { throw failure }
        if isSettled, let winner = outcome.winner { await deliberation.settle(on: winner.response) }
    }

    /// Holds the debate and answers with its winner; with the best so far if the budget is exhausted on the way.
    mutating func answer(into sink: ResponseSink) async throws(CollabError) -> Response {
        var broken: CollabError?
        do throws(CollabError) { try await hold(reusing: []) } catch { broken = error }
        let (outcome, exhausted) = await outcome(after: broken)
        if let exhausted, exhausted.code != .budgetExhausted || table.statements.isEmpty { throw exhausted }
        guard let winner = outcome.winner else { throw CollabError(.emptyTeam, "Nobody has answered.") }
        outcome.record(isSettled: true)
        var response = winner.response
        if let exhausted {
            Run.note("budget", exhausted.message)
            response.ending = .budgetExhausted
        }
        await sink.send(response.text)
        return response
    }

    /// What was said here for the first time, as drafts: statements taken over from earlier drafts are left out.
    private func newDrafts(origin: String, after known: [Draft]) -> [Draft] {
        table.statements.compactMap { statement in
            let isTakenOver = statement.round == 0 && known.contains { $0.author == statement.speaker }
            return isTakenOver ? nil : Draft(statement, origin: origin)
        }
    }
}
