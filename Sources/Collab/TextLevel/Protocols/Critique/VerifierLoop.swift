/// One member answers until a verifier accepts.
///
/// The loop behind Shinn et al. 2023, “Reflexion”: each attempt is made with the objection to the one before in view.
/// Defaults: three attempts; the first member answers, the last verifies. A verdict that is neither yes nor no is no
/// acceptance, and is counted; where no attempt is accepted, the last that can be read stands and the trace says so; where
/// the verifier fails, the attempt at hand stands unverified. Calls: 2 to 2 · attempts.
public struct VerifierLoop: Procedure {
    /// How many attempts are made at most.
    public var attempts: Int
    /// Who answers.
    public var author: Appointment
    /// Who accepts or objects.
    public var verifier: Appointment
    /// How answers are read.
    public var rules: MeetingRules
    /// Asks for a verdict on the answer shown.
    public var asksForVerdict =
        "Is this answer correct? Answer yes or no first; if no, say in one sentence what is wrong."
    /// Asks for another attempt with the objection in view.
    public var asksForAttempt =
        "Your answer was not accepted, for the reason shown. Find the error and answer again."

    /// Makes a loop.
    public init(
        attempts: Int = 3,
        author: Appointment = .first,
        verifier: Appointment = .last,
        answers: AnswerFormat = .freeText
    ) {
        self.attempts = attempts
        self.author = author
        self.verifier = verifier
        rules = MeetingRules(answers: answers)
    }

    /// What to call it in traces.
    public var name: String { "verifier loop" }
    /// The author and the verifier.
    public var appointments: [Appointment] { [author, verifier] }
    /// An attempt and a verdict, as often as it takes.
    public func calls(of members: Int) -> ClosedRange<Int> { 2...max(callCount(2, attempts), 2) }

    /// Throws ``CollabError/Code/invalidRequest`` without an attempt.
    public func validate(teamOf members: Int) throws(CollabError) {
        if attempts < 1 {
            throw CollabError(.invalidRequest, "\(attempts) attempts give no answer; take 1 or more.")
        }
    }

    /// Answers until an attempt is accepted.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let (author, verifier) = (try meeting.place(of: author), try meeting.place(of: verifier))
        var attempt = try await meeting.open(with: author)
        var best = attempt
        for number in 1...attempts {
            meeting.leading = best
            let shown = Exhibit("Answer", meeting.excerpt(attempt.text))
            let request = meeting.showing([shown], asksForVerdict)
            let verdict = try await meeting.remarks(
                "verdict",
                [.init(to: verifier, request, hearing: [author])]
            )[0]
            guard let verdict else { break }
            if meeting.consents(verdict) == true {
                Run.note("accepted", "attempt \(number)")
                return Conclusion(attempt, isAgreed: true)
            }
            if number == attempts { break }
            let again = meeting.showing(
                [shown, Exhibit("Objection", meeting.excerpt(verdict.text))],
                asksForAttempt
            )
            guard
                let next = try await meeting.answer("attempt", .init(to: author, again, hearing: [verifier]))
            else { break }
            attempt = next
            if attempt.answer.isParsed || !best.answer.isParsed { best = attempt }
        }
        Run.note("accepted", "none")
        return Conclusion(best)
    }
}
