/// The question goes to one who answers alone: the last stage of a pipeline whose members could not settle it.
///
/// ```swift
/// func careful(_ small: [any TextModel], _ strong: some TextModel) -> some TextModel {
///     Pipeline {
///         Team { small }
///         Debate(DebateRules(rounds: 0, answers: .numeric, until: .votes(4)))
///         Escalate(to: .model(strong))
///     }
/// }
/// ```
///
/// Agreement tells well whether to believe a team: of five models of about eight billion parameters, four or five agree on
/// 78 % of GSM8K's problems, and with GPT-4o for the rest 96.4 % are right, against 96.2 % by GPT-4o alone. How many votes are
/// enough is learned by ``Calibration/votes(reaching:)``. Whoever is asked sees nothing of what the others said; a member that
/// has answered already is not asked again. Calls: 1, or none.
public struct Escalate: Procedure {
    /// Who answers.
    public var expert: Appointment
    /// How the answer is read.
    public var rules: MeetingRules

    /// Makes a stage that asks one.
    public init(to expert: Appointment = .last, answers: AnswerFormat = .freeText) {
        self.expert = expert
        rules = MeetingRules(answers: answers)
    }

    /// What to call it in traces.
    public var name: String { "escalate" }
    /// Whoever is asked.
    public var appointments: [Appointment] { [expert] }
    /// The answer.
    public func calls(of members: Int) -> ClosedRange<Int> { 1...1 }

    /// Asks, and hands the answer on while it is written.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let place = try meeting.place(of: expert)
        if meeting.draft(of: meeting.name(of: place)) != nil {
            return Conclusion(try await meeting.open(with: place), isAgreed: true)
        }
        var conclusion = try await meeting.write("answer", .init(to: place, meeting.request))
        conclusion.decision = Decision(choice: meeting.name(of: place), reason: "the team had not settled it")
        return conclusion
    }
}
