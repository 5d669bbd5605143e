/// One member is told to argue against the leading answer; then all reconsider with its objections in view.
///
/// Schwenk 1984: an official dissenter makes a group examine what it takes for granted, whether or not anybody disagrees;
/// so members who agree are not spared. Defaults: the last member is the advocate, and reconsiders like everybody else.
/// Deviation: one round. First and last answers are voted on. Calls: 2 n + 1; where the advocate fails, n + 1.
public struct DevilsAdvocate: Procedure {
    /// Who argues against the leading answer.
    public var advocate: Appointment
    /// How answers are read and counted.
    public var rules: MeetingRules
    /// Asks the advocate for objections.
    public var asksForObjections =
        "You are the devil's advocate. Make the strongest case you can that this answer is wrong, in a few sentences."
    /// Asks members to reconsider.
    public var asksForReconsideration =
        "The leading answer has been attacked as shown. Keep your answer if it holds, change it if not, and give it."

    /// Makes a group with an advocate.
    public init(advocate: Appointment = .last, answers: AnswerFormat = .freeText) {
        self.advocate = advocate
        rules = MeetingRules(answers: answers)
    }

    /// What to call it in traces.
    public var name: String { "devil's advocate" }
    /// The advocate.
    public var appointments: [Appointment] { [advocate] }
    /// Two answers a member, and the objections.
    public func calls(of members: Int) -> ClosedRange<Int> { (members + 1)...(callCount(2, members) + 1) }

    /// Answers, objects, reconsiders, votes.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let advocate = try meeting.place(of: advocate)
        try await meeting.open()
        guard let leader = meeting.best else { return try await meeting.vote() }
        let attacked = Exhibit("Leading answer", meeting.excerpt(leader.text))
        let objections = try await meeting.remarks(
            "objections",
            [
                .init(
                    to: advocate,
                    meeting.showing([attacked], asksForObjections),
                    hearing: [leader.member]
                )
            ]
        )[0]
        guard let objections else { return try await meeting.vote(after: "the opening; the advocate failed") }
        var questions: [Meeting.Question] = []
        for own in meeting.table.latest {
            let shown = [
                Exhibit("Your answer", meeting.excerpt(own.text)), attacked,
                Exhibit("Objections", meeting.excerpt(objections.text)),
            ]
            questions.append(
                .init(
                    to: own.member,
                    meeting.showing(shown, asksForReconsideration),
                    hearing: [leader.member, advocate]
                )
            )
        }
        try await meeting.answers("reconsideration", questions)
        return try await meeting.vote(after: "the advocate's objections")
    }
}
