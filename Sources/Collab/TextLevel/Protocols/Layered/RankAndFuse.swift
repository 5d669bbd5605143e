/// Members answer, a judge compares the answers in pairs, and the best few are fused into one.
///
/// Jiang et al. 2023, “LLM-Blender”: pairwise ranking, then generative fusion of the top three. A full tournament compares
/// all pairs; a bubble tournament finds the best k in k passes.
///
/// Deviations: judge and fuser are models of the program's choice, asked in words, not trained ones; every pair is shown in
/// both orders, and a judge who changes its mind with the order, or whose verdict cannot be read, has called a tie (half a
/// win each). Calls with n answers: n + n (n − 1) in full, n + 2 Σ (n − 1 − i) for i < k as bubbles, and one to fuse if
/// k > 1.
public struct RankAndFuse: Procedure {
    /// Which pairs are compared.
    public enum Tournament: String, Hashable, Sendable, Codable {
        /// All.
        case full
        /// Neighbours, the winner going on: one pass for each place.
        case bubble
    }

    /// How many answers are fused; 1 takes the best as it is.
    public var top: Int
    /// Which pairs are compared.
    public var tournament: Tournament
    /// Who compares.
    public var judge: Appointment
    /// Who writes the final answer.
    public var fuser: Appointment
    /// How answers are read, and who must answer.
    public var rules: MeetingRules
    /// Asks which of the two answers shown, called A and B, is better; `nil`: as ``Judge`` asks, in the rules' wording.
    public var prompt: (@Sendable (_ request: Request, _ first: String, _ second: String) -> Request)?
    /// Asks for one answer made of those shown, best first.
    public var asksForFusion =
        "The answers shown are ordered from best to worst. Write one answer that keeps what is right in them."

    /// Makes a ranker and fuser.
    public init(
        top: Int = 3,
        tournament: Tournament = .full,
        judge: Appointment = .last,
        fuser: Appointment = .last,
        answers: AnswerFormat = .freeText
    ) {
        self.top = top
        self.tournament = tournament
        self.judge = judge
        self.fuser = fuser
        rules = MeetingRules(answers: answers)
    }

    /// What to call it in traces.
    public var name: String { "rank and fuse" }
    /// The judge and the fuser.
    public var appointments: [Appointment] { top > 1 ? [judge, fuser] : [judge] }

    /// Answers, comparisons in both orders, and the fusion; fewer if members fail.
    public func calls(of members: Int) -> ClosedRange<Int> {
        let most = members + comparisons(of: members) + (min(top, members) > 1 ? 1 : 0)
        return min(members, most)...most
    }

    private func comparisons(of count: Int) -> Int {
        guard count > 1 else { return 0 }
        switch tournament {
        case .full: return callCount(count, count - 1)
        case .bubble: return (0..<min(max(top, 1), count)).reduce(0) { $0 + 2 * (count - 1 - $1) }
        }
    }

    /// Throws ``CollabError/Code/invalidRequest`` if nothing would be taken.
    public func validate(teamOf members: Int) throws(CollabError) {
        if top < 1 {
            throw CollabError(.invalidRequest, "The top \(top) answers are none; take 1 or more.")
        }
    }

    /// Answers, ranks, fuses.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let judge = try meeting.place(of: judge)
        let fuser = top > 1 ? try meeting.place(of: fuser) : judge
        let candidates = try await meeting.open().compactMap { $0 }
        var contest = Contest(
            candidates: candidates,
            judge: judge,
            prompt: prompt ?? Judge.prompt(in: rules.wording)
        )
        let best =
            switch tournament {
            case .full: try await contest.full(in: &meeting)
            case .bubble: try await contest.bubble(top, in: &meeting)
            }
        meeting.leading = best.first { $0.answer.isParsed } ?? best.first
        let decision = contest.decision(for: best.first)
        let kept = best.prefix(top).filter { $0.answer.isParsed }
        guard top > 1, kept.count > 1 else {
            guard let winner = meeting.leading else { throw CollabError(.emptyTeam, "Nobody has answered.") }
            return Conclusion(winner, isAgreed: meeting.isUnanimous, because: decision)
        }
        let request = meeting.showing(meeting.exhibits(of: Array(kept)), asksForFusion)
        var conclusion = try await meeting.write(
            "fusion",
            .init(to: fuser, request, hearing: kept.map(\.member))
        )
        conclusion.decision = decision
        return conclusion
    }
}
