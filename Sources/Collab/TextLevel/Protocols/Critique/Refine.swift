/// One member answers, a critic says what is wrong, and the author revises, until the critic is content.
///
/// Madaan et al. 2023, “Self-Refine”, where author and critic are the same model; with another critic it is the cross form,
/// which corrects more, since a model seldom sees its own errors (Huang et al. 2024).
///
/// Defaults: two rounds; the first member is its own critic. Deviations: a critic is content if its critique begins with
/// “yes” (asked whether the answer is right), not by a phrase to be found anywhere in it; a revision from which no answer
/// can be read does not replace one from which it could. Calls: 2 to 1 + 2 · rounds.
public struct Refine: Procedure {
    /// How often the answer is revised at most.
    public var rounds: Int
    /// Who answers and revises.
    public var author: Appointment
    /// Who criticises.
    public var critic: Appointment
    /// How answers are read.
    public var rules: MeetingRules
    /// Asks for a critique of the answer shown.
    public var asksForCritique =
        "Is this answer right and complete? Answer yes or no first; if no, say in one or two sentences what is wrong."
    /// Asks for a revision with the critique in view.
    public var asksForRevision =
        "Your answer has been criticised as shown. Correct what is wrong, keep what is right, and answer again."

    /// Makes a refinement.
    public init(
        rounds: Int = 2,
        author: Appointment = .first,
        critic: Appointment = .first,
        answers: AnswerFormat = .freeText
    ) {
        self.rounds = rounds
        self.author = author
        self.critic = critic
        rules = MeetingRules(answers: answers)
    }

    /// What to call it in traces.
    public var name: String { "refine" }
    /// The author and the critic.
    public var appointments: [Appointment] { [author, critic] }
    /// An answer and a critique; at most a critique and a revision a round.
    public func calls(of members: Int) -> ClosedRange<Int> {
        rounds > 0 ? 2...(1 + callCount(2, rounds)) : 1...1
    }

    /// Answers, and revises as long as there is criticism.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let (author, critic) = (try meeting.place(of: author), try meeting.place(of: critic))
        var draft = try await meeting.open(with: author)
        meeting.leading = draft
        var isContent = false
        for _ in 0..<max(rounds, 0) {
            let shown = Exhibit("Answer", meeting.excerpt(draft.text))
            let critique = try await meeting.remarks(
                "critique",
                [.init(to: critic, meeting.showing([shown], asksForCritique), hearing: [author])]
            )[0]
            guard let critique else { break }
            isContent = meeting.consents(critique) == true
            if isContent { break }
            let request = meeting.showing(
                [shown, Exhibit("Criticism", meeting.excerpt(critique.text))],
                asksForRevision
            )
            guard
                let revision = try await meeting.answer(
                    "revision",
                    .init(to: author, request, hearing: [critic])
                )
            else { break }
            if revision.answer.isParsed || !draft.answer.isParsed { draft = revision }
            meeting.leading = draft
        }
        Run.note("critic content", isContent)
        return Conclusion(draft, isAgreed: isContent)
    }
}
