/// One member answers, the others give feedback on the answer, and a chair decides whether it is true; if not, the team
/// abstains.
///
/// Feng et al. 2024, “Don't Hallucinate, Abstain” (cooperate, others): reviewers of different knowledge uncover gaps that a
/// model does not see in itself. Deviations: the chair says true or false in words, and what is neither decides nothing;
/// any number of reviewers. The first member answers, the last one is the chair and reviews, too. Calls: n + 1, with
/// reviewers being all but the one who answers; where the chair is not a member, n + 1 as well.
public struct CooperativeProbe: Procedure {
    /// Who answers.
    public var speaker: Appointment
    /// Who decides.
    public var chair: Appointment
    /// What is said instead of a wrong answer.
    public var abstention: Abstention
    /// How answers are read.
    public var rules: MeetingRules
    /// Asks for feedback on the answer shown.
    public var asksForFeedback =
        "Do not answer the question yourself. Say in one or two sentences what you know that speaks for or against this "
        + "answer to it."
    /// Asks the chair to decide.
    public var asksForVerdict =
        "Weigh the feedback. Is the proposed answer true or false? Write one word, true or false."

    /// Makes a probe.
    public init(
        speaker: Appointment = .first,
        chair: Appointment = .last,
        answers: AnswerFormat = .freeText,
        abstention: Abstention = Abstention()
    ) {
        self.speaker = speaker
        self.chair = chair
        self.abstention = abstention
        rules = MeetingRules(answers: answers)
    }

    /// What to call it in traces.
    public var name: String { "cooperative probe" }
    /// The speaker and the chair.
    public var appointments: [Appointment] { [speaker, chair] }
    /// The answer, feedback of all others, and the verdict.
    public func calls(of members: Int) -> ClosedRange<Int> {
        let count = speaker.outsider == nil ? members + 1 : members + 2
        return count...count
    }

    /// Answers, reviews, and keeps or withholds.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let (speaker, chair) = (try meeting.place(of: speaker), try meeting.place(of: chair))
        let answer = try await meeting.open(with: speaker)
        let proposed = Exhibit("Proposed answer", meeting.excerpt(answer.text))
        let reviewers = meeting.members.indices.filter { $0 != speaker }
        let request = meeting.showing([proposed], asksForFeedback)
        let feedback = try await meeting.remarks(
            "feedback",
            reviewers.map { .init(to: $0, request, hearing: [speaker]) }
        )
        let heard = zip(reviewers, feedback).compactMap { reviewer, reply in reply.map { (reviewer, $0.text) }
        }
        let shown = [proposed] + Exhibit.numbered("Feedback", heard.map { meeting.excerpt($0.1) })
        let verdict = try await meeting.remarks(
            "verdict",
            [
                .init(
                    to: chair,
                    meeting.showing(shown, asksForVerdict),
                    hearing: [speaker] + heard.map(\.0)
                )
            ]
        )[0]
        let support = verdict.flatMap(meeting.consents).map { $0 ? 1.0 : 0 }
        return meeting.keep(
            answer,
            support: support,
            above: 0.5,
            abstaining: abstention,
            name: name,
            reason:
                "\(meeting.name(of: chair)) found the answer \(support == 1 ? "true" : "false") after \(heard.count) reviews"
        )
    }
}
