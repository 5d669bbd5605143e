/// A debate in which nobody reads the others themselves: each member gets a summary of what the others have said.
///
/// The summarised form of Du et al. 2023, for many members or long answers. Defaults: one round after the opening; the
/// first member summarises. Deviations: members who agree do not go on; where a summary fails, its reader keeps its answer.
/// Calls: n to n (1 + 2 · rounds).
public struct SummarisedDebate: Procedure {
    /// How many rounds follow the opening at most.
    public var rounds: Int
    /// Who summarises.
    public var summariser: Appointment
    /// How answers are read and counted.
    public var rules: MeetingRules
    /// Asks for a summary of the answers shown.
    public var asksForSummary =
        "Do not answer the question. Summarise these answers to it in a few sentences: what they say, and why."
    /// Asks a member to reconsider.
    public var asksForReconsideration =
        "Check your answer against this summary of the others' and give your final answer."

    /// Makes a debate.
    public init(rounds: Int = 1, summariser: Appointment = .first, answers: AnswerFormat = .freeText) {
        self.rounds = rounds
        self.summariser = summariser
        rules = MeetingRules(answers: answers)
    }

    /// What to call it in traces.
    public var name: String { "summarised debate" }
    /// The summariser.
    public var appointments: [Appointment] { [summariser] }
    /// An answer a member, then a summary and an answer a member and round.
    public func calls(of members: Int) -> ClosedRange<Int> {
        members...(members > 1 ? callCount(members, 1 + 2 * min(max(rounds, 0), 1 << 30)) : members)
    }

    /// Opens, and exchanges summaries as long as members differ.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let summariser = try meeting.place(of: summariser)
        try await meeting.open()
        var held = 0
        while held < rounds, meeting.table.latest.count > 1, !meeting.isUnanimous {
            let latest = meeting.table.latest
            var (asking, readers): ([Meeting.Question], [Statement]) = ([], [])
            for own in latest {
                let others = latest.filter { $0.member != own.member }
                let request = meeting.showing(meeting.exhibits(of: others), asksForSummary)
                asking.append(.init(to: summariser, request, hearing: others.map(\.member)))
                readers.append(own)
            }
            let summaries = try await meeting.remarks("summaries", asking)
            var questions: [Meeting.Question] = []
            for (own, summary) in zip(readers, summaries) {
                guard let summary else { continue }
                let shown = [
                    Exhibit("Your answer", meeting.excerpt(own.text)),
                    Exhibit("The others", meeting.excerpt(summary.text)),
                ]
                let request = meeting.showing(shown, asksForReconsideration)
                questions.append(
                    .init(
                        to: own.member,
                        request,
                        hearing: [summariser],
                        words: [(summariser, summary)]
                    )
                )
            }
            if questions.isEmpty { break }
            held += 1
            try await meeting.answers("round \(held)", questions)
        }
        return try await meeting.vote(after: held == 0 ? "the opening" : "round \(held)")
    }
}
