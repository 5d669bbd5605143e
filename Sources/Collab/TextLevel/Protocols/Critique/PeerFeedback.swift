/// Everybody answers, a few random peers criticise each answer, and everybody revises with the criticism in view.
///
/// Multi-agent feedback as in MoCo (Feng et al. 2026): three reviewers an answer, three rounds there, one here by default.
/// Reviewers are drawn from the run's seed. Deviations: members who agree do not go on; the final answer is voted on, over
/// first and last answers, instead of being the best member's (use ``MeetingRules/aggregation`` for that). Calls with
/// k = min(reviewers, n − 1): n to n + rounds · n (k + 1).
public struct PeerFeedback: Procedure {
    /// How often everybody revises at most.
    public var rounds: Int
    /// How many peers criticise each answer.
    public var reviewers: Int
    /// How answers are read and counted.
    public var rules: MeetingRules
    /// Asks for a criticism of the answer shown.
    public var asksForFeedback =
        "Do not answer the question yourself. Say in one or two sentences what is wrong or missing in this answer to it."
    /// Asks for a revision with the criticism in view.
    public var asksForRevision =
        "Others have criticised your answer as shown. Correct what is wrong, keep what is right, and answer again."

    /// Makes rounds of feedback.
    public init(rounds: Int = 1, reviewers: Int = 3, answers: AnswerFormat = .freeText) {
        self.rounds = rounds
        self.reviewers = reviewers
        rules = MeetingRules(answers: answers)
    }

    /// What to call it in traces.
    public var name: String { "peer feedback" }
    /// An answer a member; then its reviewers' criticism and its revision, a round.
    public func calls(of members: Int) -> ClosedRange<Int> {
        let peers = min(max(reviewers, 0), members - 1)
        let most = peers > 0 ? callCount(rounds, members, peers + 1) : 0
        return members...(members + most)
    }

    /// Answers, and revises by feedback as long as members differ.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        try await meeting.open()
        var held = 0
        while held < rounds, reviewers > 0, meeting.members.count > 1, !meeting.isUnanimous {
            held += 1
            let (authors, peers) = pairs(in: meeting)
            let criticism = try await meeting.remarks(
                "feedback \(held)",
                zip(authors, peers).map { author, peer in
                    let shown = [Exhibit("Answer", meeting.excerpt(author.text))]
                    let request = meeting.showing(shown, asksForFeedback)
                    return Meeting.Question(to: peer, request, hearing: [author.member])
                }
            )
            try await meeting.answers("revision \(held)", revisions(authors, peers, criticism, in: meeting))
        }
        return try await meeting.vote(
            after: held == 0 ? "the opening" : "\(held) round\(held == 1 ? "" : "s") of feedback"
        )
    }

    /// Each answer with each of its reviewers, who are drawn.
    private func pairs(in meeting: Meeting) -> ([Statement], [Int]) {
        var generator = SeededGenerator(seed: Run.current?.drawSeed("reviewers") ?? 0)
        var (authors, peers): ([Statement], [Int]) = ([], [])
        for statement in meeting.table.latest {
            let others = meeting.members.indices.filter { $0 != statement.member }
            for peer in others.shuffled(using: &generator).prefix(reviewers).sorted() {
                authors.append(statement)
                peers.append(peer)
            }
        }
        return (authors, peers)
    }

    /// What every author is asked that has been criticised.
    private func revisions(
        _ authors: [Statement],
        _ peers: [Int],
        _ criticism: [Response?],
        in meeting: Meeting
    ) -> [Meeting.Question] {
        meeting.table.latest.compactMap { own in
            let heard = authors.indices.filter { authors[$0].member == own.member && criticism[$0] != nil }
            guard !heard.isEmpty else { return nil }
            let shown = heard.compactMap { criticism[$0].map { meeting.excerpt($0.text) } }
            let request = meeting.showing(
                [Exhibit("Your answer", meeting.excerpt(own.text))] + Exhibit.numbered("Criticism", shown),
                asksForRevision
            )
            return Meeting.Question(
                to: own.member,
                request,
                hearing: heard.map { peers[$0] },
                words: heard.compactMap { index in criticism[index].map { (peers[index], $0) } }
            )
        }
    }
}
