/// Members enter one by one: everybody has answered alone before hearing the group, and with each newcomer the group
/// reconsiders.
///
/// Rogelberg, Barnes-Farrell and Lowe 1992: nobody can hide behind the group, and early members do not set the course alone.
/// The first two begin; each newcomer's own answer is heard as its own; then all present see each other's latest answers
/// and answer again. Deviations: all answer alone at the beginning, side by side, which is the same since nobody hears
/// anybody; a group that agrees, the newcomer included, does not reconsider. First and last answers are voted on. Calls:
/// n to n + n (n + 1) / 2 − 1.
public struct Stepladder: Procedure {
    /// How answers are read and counted.
    public var rules: MeetingRules
    /// Asks those present to reconsider.
    public var asksForReconsideration =
        "The group has heard these answers. Discuss them in one or two sentences and give your answer."

    /// Makes a stepladder.
    public init(answers: AnswerFormat = .freeText) {
        rules = MeetingRules(answers: answers)
    }

    /// What to call it in traces.
    public var name: String { "stepladder" }
    /// An answer a member, and at each step an answer of all present.
    public func calls(of members: Int) -> ClosedRange<Int> {
        let steps = members > 1 ? callCount(members, members + 1) / 2 - 1 : 0
        return members...(members + steps)
    }

    /// Lets members enter, then votes.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let entrants = try await meeting.open().compactMap { $0?.member }
        for count in stride(from: 2, through: entrants.count, by: 1) {
            let present = entrants.prefix(count).compactMap { meeting.table.latest(of: $0) }
            if let first = present.first?.answer, first.isParsed, present.allSatisfy({ $0.answer == first }) {
                continue
            }
            var questions: [Meeting.Question] = []
            for own in present {
                let others = present.filter { $0.member != own.member }
                let shown = [Exhibit("Your answer", meeting.excerpt(own.text))] + meeting.exhibits(of: others)
                let request = meeting.showing(shown, asksForReconsideration)
                questions.append(.init(to: own.member, request, hearing: others.map(\.member)))
            }
            try await meeting.answers("step \(count - 1)", questions)
        }
        return try await meeting.vote(after: "\(max(entrants.count - 1, 0)) steps")
    }
}
