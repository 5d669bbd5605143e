/// One member is for an answer, one against it, and a moderator ends the debate as soon as one side has convinced it.
///
/// Liang et al. 2023, “MAD”: the affirmative side answers, the negative side disagrees and gives its own answer, and the
/// moderator says whether one side is right; after three rounds without that, it lists the answers and decides. Neither
/// side has to agree; the aim is the correct answer.
///
/// Deviations: what the moderator says is read as a first word and an answer, never evaluated as code; a verdict that
/// cannot be read is none; if its last decision cannot be read, the sides' first and last answers are voted on. The first
/// member is for, the second against, the last moderates. Calls: 3 to 3 · rounds + 2.
public struct ModeratedDebate: Procedure {
    /// How many rounds are held at most.
    public var rounds: Int
    /// Who moderates.
    public var moderator: Appointment
    /// How answers are read.
    public var rules: MeetingRules
    /// Asks the negative side.
    public var asksToOppose =
        "You disagree with this answer. Say in one or two sentences why it is wrong, and give your own answer."
    /// Asks the affirmative side to reply.
    public var asksToReply =
        "You need not agree with the other side; the aim is the correct answer. Reply to it and give your answer."
    /// Asks the moderator whether one side is right.
    public var asksForVerdict =
        "You moderate this debate. Is it clear which side is right? Answer yes or no first; if yes, give the correct answer."
    /// Asks the moderator, at the end, for the answers that were given.
    public var asksForCandidates =
        "The debate is over. List the different answers that were given, without reasons."
    /// Asks the moderator to decide.
    public var asksForDecision = "Decide which of these answers is correct, and give it."

    /// Makes a debate.
    public init(rounds: Int = 3, moderator: Appointment = .last, answers: AnswerFormat = .freeText) {
        self.rounds = rounds
        self.moderator = moderator
        rules = MeetingRules(answers: answers, quorum: .all)
    }

    /// What to call it in traces.
    public var name: String { "moderated debate" }
    /// The moderator.
    public var appointments: [Appointment] { [moderator] }
    /// Two sides and a verdict a round, and the moderator's decision in two steps.
    public func calls(of members: Int) -> ClosedRange<Int> { 3...(callCount(3, max(rounds, 1)) + 2) }

    /// Throws ``CollabError/Code/invalidRequest`` if a side is missing, or no round is held.
    public func validate(teamOf members: Int) throws(CollabError) {
        if members < 2 || rounds < 1 {
            throw CollabError(
                .invalidRequest,
                "A moderated debate needs two sides and a round; there are \(members) members and \(rounds) rounds."
            )
        }
    }

    /// Holds the debate.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let moderator = try meeting.place(of: moderator)
        var (pro, con): (Statement, Statement?) = (try await meeting.open(with: 0), nil)
        for round in 1...rounds {
            if round > 1, let con {
                let request = meeting.showing(sides(pro, con, in: meeting), asksToReply)
                if let reply = try await meeting.answer(
                    "affirmative",
                    .init(to: 0, request, hearing: [0, 1])
                ) {
                    pro = reply
                }
            }
            let opposing = meeting.showing(sides(pro, con, in: meeting), asksToOppose)
            con =
                try await meeting.answer(
                    "negative",
                    .init(to: 1, opposing, hearing: con == nil ? [0] : [0, 1])
                ) ?? con
            let shown = sides(pro, con, in: meeting)
            let verdict = try await meeting.remark(
                "moderator",
                .init(to: moderator, meeting.showing(shown, asksForVerdict), hearing: [0, 1])
            )
            if let conclusion = clear(verdict, in: meeting, round: round) { return conclusion }
        }
        let shown = sides(pro, con, in: meeting)
        let candidates = try await meeting.remark(
            "candidates",
            .init(to: moderator, meeting.showing(shown, asksForCandidates), hearing: [0, 1])
        )
        let list = Exhibit("Answers given", meeting.excerpt(candidates.text))
        let decision = try await meeting.remark(
            "decision",
            .init(to: moderator, meeting.showing([list], asksForDecision), hearing: [moderator])
        )
        let answer = meeting.rules.answers.answer(in: decision.text)
        guard answer.isParsed else {
            Run.note("decision", "could not be read")
            return try await meeting.vote(after: "a decision that could not be read")
        }
        var conclusion = Conclusion(
            decision,
            because: Decision(
                choice: answer.description,
                reason: "\(meeting.name(of: moderator)) decided after \(rounds) rounds without a clear side"
            )
        )
        conclusion.answer = answer
        return conclusion
    }

    private func sides(_ pro: Statement, _ con: Statement?, in meeting: Meeting) -> [Exhibit] {
        [Exhibit("Affirmative side", meeting.excerpt(pro.text))]
            + (con.map { [Exhibit("Negative side", meeting.excerpt($0.text))] } ?? [])
    }

    /// The conclusion of a verdict that says yes and gives an answer.
    private func clear(_ verdict: Response, in meeting: Meeting, round: Int) -> Conclusion? {
        let reader = YesNoReader(meeting.rules.wording)
        let answer = meeting.rules.answers.answer(in: reader.remainder(of: verdict.text))
        guard meeting.consents(verdict) == true, answer.isParsed else { return nil }
        // A side that gives the answer says it better than a verdict does.
        let side = meeting.spokesman(for: answer)
        var conclusion = Conclusion(
            side.flatMap { $0.answer == answer ? $0.response : nil } ?? verdict,
            isAgreed: true,
            because: Decision(
                choice: answer.description,
                reason: "\(verdict.model) saw a clear side in round \(round)"
            )
        )
        conclusion.answer = answer
        return conclusion
    }
}
