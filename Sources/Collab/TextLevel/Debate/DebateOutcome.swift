/// What a debate came to.
struct DebateOutcome {
    let tally: Tally
    let verdict: Stopping.Verdict?
    let table: DebateTable
    /// The statement that speaks for the winning answer; where nobody's answer could be read, the surest one.
    let winner: Statement?

    init(of session: DebateSession) {
        tally = session.tally()
        verdict = session.verdict
        table = session.table
        winner = session.spokesman(for: tally.answer)
    }

    /// Whether a stage with a rule of settling takes the winner as the answer.
    ///
    /// Without an answer that could be read nothing is ever settled.
    func settles(_ settling: Settling) -> Bool {
        guard tally.winner != nil else { return false }
        switch settling {
        case .onAgreement: return verdict?.isAgreement ?? false
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
        if tally.winner == nil { reason += "; there was no vote, so the surest statement stands" }
        Run.record(
            Decision(
                choice: isSettled ? tally.answer.description : "\(tally.answer) (leading)",
                reason: reason,
                scores: tally.candidates.map { Decision.Score($0.answer.description, $0.weight) }
            )
        )
        Run.record(confidence: tally.winner == nil ? nil : tally.share)
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
        let failure = await talk(for: &deliberation, origin: origin)
        let outcome = DebateOutcome(of: self)
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
        var exhausted: CollabError?
        do throws(CollabError) { try await hold(reusing: []) } catch {
            guard error.code == .budgetExhausted, !table.statements.isEmpty else { throw error }
            exhausted = error
        }
        let outcome = DebateOutcome(of: self)
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
