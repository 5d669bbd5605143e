/// A plan, a counter-plan from opposite assumptions, a reply from each side, and a synthesis.
///
/// Mason 1969: the clash of two complete positions brings out the assumptions beneath them, where a devil's advocate only
/// attacks one. Defaults: the first member makes the plan, the second the counter-plan, the last writes the synthesis
/// (of two members the second). Calls: 5.
public struct DialecticalInquiry: Procedure {
    /// Who writes the synthesis.
    public var synthesist: Appointment
    /// How answers are read.
    public var rules: MeetingRules
    /// Asks for the counter-plan.
    public var asksForAntithesis =
        "Name the assumptions behind this answer. Assume the opposite, and give the answer that follows from that."
    /// Asks each side for a reply to the other.
    public var asksForReply = "Defend your answer against the other one, in one or two sentences."
    /// Asks for the synthesis.
    public var asksForSynthesis =
        "Weigh both answers, their assumptions and the replies, and write the answer that is best supported."

    /// Makes an inquiry.
    public init(synthesist: Appointment = .last, answers: AnswerFormat = .freeText) {
        self.synthesist = synthesist
        rules = MeetingRules(answers: answers)
    }

    /// What to call it in traces.
    public var name: String { "dialectical inquiry" }
    /// Whoever writes the synthesis.
    public var appointments: [Appointment] { [synthesist] }
    /// Two positions, two replies, and the synthesis.
    public func calls(of members: Int) -> ClosedRange<Int> { 5...5 }

    /// Throws ``CollabError/Code/invalidRequest`` if there is only one side.
    public func validate(teamOf members: Int) throws(CollabError) {
        if members < 2 {
            throw CollabError(
                .invalidRequest,
                "A dialectical inquiry needs two sides; there is \(members) member."
            )
        }
    }

    /// Argues, and writes the synthesis.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let synthesist = try meeting.place(of: synthesist)
        let thesis = try await meeting.open(with: 0)
        meeting.leading = thesis
        let first = Exhibit("Answer", meeting.excerpt(thesis.text))
        let antithesis = try await meeting.remark(
            "antithesis",
            .init(to: 1, meeting.showing([first], asksForAntithesis), hearing: [0])
        )
        let second = Exhibit("Counter-answer", meeting.excerpt(antithesis.text))
        func reply(of place: Int, own: String, other: String) -> Meeting.Question {
            let shown = [Exhibit("Your answer", own), Exhibit("Other answer", other)]
            return .init(to: place, meeting.showing(shown, asksForReply), hearing: [0, 1])
        }
        let replies = try await meeting.remarks(
            "replies",
            [
                reply(of: 0, own: first.text, other: second.text),
                reply(of: 1, own: second.text, other: first.text),
            ]
        )
        let labels = ["Reply for the answer", "Reply for the counter-answer"]
        let replied = zip(labels, replies).compactMap { label, reply in
            reply.map { Exhibit(label, meeting.excerpt($0.text)) }
        }
        return try await meeting.write(
            "synthesis",
            .init(
                to: synthesist,
                meeting.showing([first, second] + replied, asksForSynthesis),
                hearing: [0, 1]
            )
        )
    }
}
