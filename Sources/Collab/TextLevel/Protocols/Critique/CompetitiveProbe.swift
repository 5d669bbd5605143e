/// One member answers; each other member argues for another answer, and the first is asked again with the argument in view;
/// if it is talked out of its answer too often, the team abstains.
///
/// Feng et al. 2024, “Don't Hallucinate, Abstain” (compete): knowledge that is held firmly withstands conflicting
/// knowledge. The member is told that what it is shown may be wrong. Deviations: rivals choose the other answer themselves;
/// each rival writes with its own model (their script passed the first model's name to the generator); several rivals
/// count as shares; a second answer that cannot be read is no probe. Calls: 1 + 2 (n − 1).
public struct CompetitiveProbe: Procedure {
    /// Who answers.
    public var speaker: Appointment
    /// The share of rivals that the answer must withstand; it is withheld if it does not withstand more.
    public var threshold: Double
    /// What is said instead of an answer that does not hold.
    public var abstention: Abstention
    /// How answers are read.
    public var rules: MeetingRules
    /// Asks a rival for an argument.
    public var asksToCompete =
        "Write a short paragraph of knowledge from which another answer than this one follows, and name that answer."
    /// Asks the member again.
    public var asksAgain = "This may or may not be right; ignore what is wrong in it. Answer the question."

    /// Makes a probe.
    public init(
        speaker: Appointment = .first,
        threshold: Double = 0.5,
        answers: AnswerFormat = .freeText,
        abstention: Abstention = Abstention()
    ) {
        self.speaker = speaker
        self.threshold = threshold
        self.abstention = abstention
        rules = MeetingRules(answers: answers)
    }

    /// What to call it in traces.
    public var name: String { "competitive probe" }
    /// The speaker.
    public var appointments: [Appointment] { [speaker] }
    /// The answer, and an argument and an answer a rival.
    public func calls(of members: Int) -> ClosedRange<Int> {
        let rivals = speaker.outsider == nil ? members - 1 : members
        return 1...(1 + callCount(2, rivals))
    }

    /// Answers, is challenged, and keeps or withholds.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let speaker = try meeting.place(of: speaker)
        let answer = try await meeting.open(with: speaker)
        meeting.leading = answer
        let rivals = meeting.members.indices.filter { $0 != speaker }
        let proposed = Exhibit("Answer", meeting.excerpt(answer.text))
        let request = meeting.showing([proposed], asksToCompete)
        let arguments = try await meeting.remarks(
            "arguments",
            rivals.map { .init(to: $0, request, hearing: [speaker]) }
        )
        let challenges = zip(rivals, arguments).compactMap { rival, argument in
            argument.map { argument in
                Meeting.Question(
                    to: speaker,
                    meeting.showing(
                        [Exhibit("Knowledge", meeting.excerpt(argument.text))],
                        asksAgain
                    ),
                    hearing: [rival]
                )
            }
        }
        let replies = try await meeting.remarks("challenges", challenges)
        let again = replies.compactMap { $0.map { meeting.rules.answers.answer(in: $0.text) } }.filter(
            \.isParsed
        )
        let kept = again.count { $0 == answer.answer }
        return meeting.keep(
            answer,
            support: again.isEmpty ? nil : Double(kept) / Double(again.count),
            above: threshold,
            abstaining: abstention,
            name: name,
            reason: "the answer was kept against \(kept) of \(again.count) arguments"
        )
    }
}
