/// An examiner questions the member that has answered, and then says whether the answer holds; if not, the team abstains.
///
/// Cohen et al. 2023, “LM vs LM”: a false claim leads to contradictions when its author is questioned about it. The
/// witness answers each question without seeing the examiner's doubts. Defaults: two rounds of a question each; the first
/// member is the witness, the last one the examiner. Deviations: one question a round; a verdict that can be read as
/// neither yes nor no decides nothing. Calls: 2 + 2 · rounds.
public struct CrossExamination: Procedure {
    /// How many questions are asked.
    public var rounds: Int
    /// Who answers.
    public var witness: Appointment
    /// Who examines.
    public var examiner: Appointment
    /// What is said instead of an answer that does not hold.
    public var abstention: Abstention
    /// How answers are read.
    public var rules: MeetingRules
    /// Asks the examiner for a question.
    public var asksForQuestion =
        "You examine this answer for errors. Ask its author one short question whose reply would show whether it is right."
    /// Asks the examiner for a verdict.
    public var asksForVerdict =
        "Do the replies agree with the answer, and is it right? Write one word, yes or no."

    /// Makes an examination.
    public init(
        rounds: Int = 2,
        witness: Appointment = .first,
        examiner: Appointment = .last,
        answers: AnswerFormat = .freeText,
        abstention: Abstention = Abstention()
    ) {
        self.rounds = rounds
        self.witness = witness
        self.examiner = examiner
        self.abstention = abstention
        rules = MeetingRules(answers: answers)
    }

    /// What to call it in traces.
    public var name: String { "cross-examination" }
    /// The witness and the examiner.
    public var appointments: [Appointment] { [witness, examiner] }
    /// The answer, a question and a reply a round, and the verdict; fewer if somebody falls silent.
    public func calls(of members: Int) -> ClosedRange<Int> { 2...(2 + callCount(2, rounds)) }

    /// Answers, is examined, and keeps or withholds.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let (witness, examiner) = (try meeting.place(of: witness), try meeting.place(of: examiner))
        let answer = try await meeting.open(with: witness)
        meeting.leading = answer
        var record = [Exhibit("Answer", meeting.excerpt(answer.text))]
        var words = [(place: witness, said: answer.response)]
        for round in 0..<max(rounds, 0) {
            let asking = meeting.showing(record, asksForQuestion)
            let question = try await meeting.remarks(
                "question",
                [
                    .init(
                        to: examiner,
                        asking,
                        hearing: round == 0 ? [witness] : [witness, examiner],
                        words: words
                    )
                ]
            )[0]
            guard let question else { break }
            // The witness replies afresh: seeing its answer it would only repeat it.
            let posed = meeting.request.replacingQuestion(with: meeting.excerpt(question.text))
            let reply = try await meeting.remarks("reply", [.init(to: witness, posed, hearing: [examiner])])[
                0
            ]
            guard let reply else { break }
            record.append(Exhibit("Question", meeting.excerpt(question.text)))
            record.append(Exhibit("Reply", meeting.excerpt(reply.text)))
            words += [(examiner, question), (witness, reply)]
        }
        let verdict = try await meeting.remarks(
            "verdict",
            [
                .init(
                    to: examiner,
                    meeting.showing(record, asksForVerdict),
                    hearing: [witness, examiner],
                    words: words
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
                "\(meeting.name(of: examiner)) found that the answer \(support == 1 ? "holds" : "does not hold")"
        )
    }
}
