/// Experts answer apart; each round they are told, without names, how the answers are spread, and answer again.
///
/// Dalkey and Helmer 1963: anonymity, iteration, controlled feedback, and a statistical group answer. For numbers the
/// feedback is the median and the quartiles, and the reasons of those who lie outside the quartiles; the group answer is
/// the median (of an even number the lower one, so that it is somebody's answer). For other answers it is each answer's
/// share, and one reason for each that is not the most frequent; the group answer is the vote over first and last answers.
///
/// Defaults: two rounds of feedback at most; it ends when members agree or nobody has changed its answer. Calls: n to
/// n (1 + rounds).
public struct Delphi: Procedure {
    /// How many rounds of feedback are held at most.
    public var rounds: Int
    /// Whether answers are numbers, whose median is the group answer.
    public var isNumeric: Bool
    /// How answers are read and counted.
    public var rules: MeetingRules
    /// Asks an expert to reconsider.
    public var asksForReconsideration =
        "Consider the spread of the group's answers and the reasons given. Keep or change your answer, and give it with a "
        + "short reason."

    /// Makes a study with numeric answers.
    public init(rounds: Int = 2) {
        self.init(rounds: rounds, answers: .numeric, isNumeric: true)
    }

    /// Makes a study with answers of another kind.
    public init(rounds: Int = 2, answers: AnswerFormat) {
        self.init(rounds: rounds, answers: answers, isNumeric: false)
    }

    private init(rounds: Int, answers: AnswerFormat, isNumeric: Bool) {
        self.rounds = rounds
        self.isNumeric = isNumeric
        rules = MeetingRules(answers: answers)
    }

    /// What to call it in traces.
    public var name: String { "delphi" }
    /// An answer a member and round.
    public func calls(of members: Int) -> ClosedRange<Int> {
        members...(members > 1 ? callCount(members, 1 + min(max(rounds, 0), 1 << 30)) : members)
    }

    /// Asks, feeds back, asks again.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        try await meeting.open()
        var rule = "the opening"
        var held = 0
        while held < rounds, meeting.members.count > 1, !meeting.isUnanimous {
            held += 1
            let spread = DelphiSpread(
                of: meeting.table.latest,
                isNumeric: isNumeric,
                in: rules.wording
            )
            var questions: [Meeting.Question] = []
            for own in meeting.table.latest {
                let shown =
                    [Exhibit("Your answer", meeting.excerpt(own.text))]
                    + spread.exhibits(for: own) { meeting.excerpt($0) }
                let heard = spread.reasons(for: own).map(\.member)
                questions.append(
                    .init(
                        to: own.member,
                        meeting.showing(shown, asksForReconsideration),
                        hearing: heard
                    )
                )
            }
            try await meeting.answers("round \(held)", questions)
            rule = "round \(held)"
            if meeting.table.flips(in: meeting.table.round).isEmpty { break }
        }
        guard isNumeric else { return try await meeting.vote(after: rule) }
        return try await median(in: meeting, after: rule)
    }

    private func median(in meeting: Meeting, after rule: String) async throws(CollabError) -> Conclusion {
        let sorted = DelphiSpread(of: meeting.table.latest, isNumeric: true, in: rules.wording).sorted
        guard !sorted.isEmpty else { return try await meeting.vote(after: rule) }
        let middle = sorted[(sorted.count - 1) / 2].statement
        let tally = meeting.tally(over: .last)
        return Conclusion(
            meeting.spokesman(for: middle.answer) ?? middle,
            isAgreed: meeting.isUnanimous,
            because: Decision(
                choice: middle.answer.description,
                reason: "median of \(sorted.count) answers after \(rule): \(tally.summary)",
                scores: sorted.map { Decision.Score($0.statement.speaker, $0.value) }
            )
        )
    }
}
