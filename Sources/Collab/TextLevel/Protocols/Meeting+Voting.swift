extension Meeting {
    /// Concludes by a vote over answers given so far, or by whoever decides where members disagree, if the rule of
    /// aggregation asks somebody; with the surest statement if none could be read.
    ///
    /// Throws ``CollabError/Code/emptyTeam`` if nobody has answered.
    public func vote(
        over scope: DebateTable.BallotScope = .firstAndLast,
        after reason: String = ""
    ) async throws(CollabError) -> Conclusion {
        // Where the members agree, what they say now counts.
        let ballots = table.ballots(isUnanimous ? .last : scope)
        let (tally, written) = try await rules.aggregation.decide(
            ballots,
            on: request,
            ties: rules.ties,
            reading: rules.answers
        )
        guard let written else { return try conclude(by: tally, after: reason) }
        let answer = rules.answers.answer(in: written.text)
        let decision = Decision(choice: answer.description, reason: "\(tally.rule): \(tally.summary)")
        var conclusion = Conclusion(written, because: decision)
        conclusion.answer = answer
        return conclusion
    }

    /// Concludes with the winner of a count.
    ///
    /// Throws ``CollabError/Code/emptyTeam`` if nobody has answered.
    public func conclude(by tally: Tally, after reason: String = "") throws(CollabError) -> Conclusion {
        guard let winner = spokesman(for: tally.answer) else {
            throw CollabError(.emptyTeam, "Nobody has answered.")
        }
        Run.note("votes", tally.summary)
        var text = tally.rule
        if !reason.isEmpty { text += " after \(reason)" }
        text += ": \(tally.summary)"
        if let ties = tally.tieRule { text += "; tie broken by \(ties.rawValue)" }
        if tally.winner == nil { text += "; there was no vote, so the surest statement stands" }
        var conclusion = Conclusion(
            winner.response,
            confidence: tally.winner == nil ? nil : tally.share,
            isAgreed: isUnanimous,
            because: Decision(
                choice: tally.answer.description,
                reason: text,
                scores: tally.candidates.map { Decision.Score($0.answer.description, $0.weight) }
            )
        )
        conclusion.answer = tally.answer
        return conclusion
    }

    /// Counts points that answers have been given, whoever gives them; the most wins.
    ///
    /// - Parameter points: for each answer its points; answers without any are left out of the count, unparsed ones never
    ///   count.
    public func tally(_ rule: String, points: [Answer: Double]) -> Tally {
        var candidates: [Tally.Candidate] = []
        let latest = table.ballots(.last)
        for statement in table.statements where statement.answer.isParsed {
            let answer = statement.answer
            guard !candidates.contains(where: { $0.answer == answer }), let weight = points[answer] else {
                continue
            }
            let supporters = latest.filter { $0.answer == answer }
            // An answer that nobody holds any more is represented by whoever gave it first.
            let first = Ballot(
                member: statement.member,
                name: statement.speaker,
                answer: answer,
                confidence: statement.confidence
            )
            candidates.append(
                Tally.Candidate(
                    answer: answer,
                    weight: weight,
                    ballots: supporters.isEmpty ? [first] : supporters
                )
            )
        }
        return Tally(
            rule: rule,
            candidates: candidates,
            unparsed: table.ballots(.last).count { !$0.answer.isParsed },
            ties: rules.ties
        )
    }
}

extension Tally {
    /// Elects the heaviest candidate; ties go as the rule says.
    init(rule: String, candidates: [Candidate], unparsed: Int, ties: TieRule) {
        let highest = candidates.map(\.weight).max() ?? 0
        let leaders = candidates.indices.filter { candidates[$0].weight == highest }
        self.init(
            rule: rule,
            candidates: candidates,
            unparsed: unparsed,
            winner: leaders.count > 1 ? ties.choose(among: leaders, of: candidates) : leaders.first,
            tieRule: leaders.count > 1 ? ties : nil
        )
    }
}

extension Meeting {
    /// A response as a statement that can lead, though it is not voted on.
    public func statement(_ response: Response, by place: Int) -> Statement {
        Statement(
            member: place,
            speaker: name(of: place),
            round: max(table.round, 0),
            response: response,
            answer: rules.answers.answer(in: response.text)
        )
    }
}
