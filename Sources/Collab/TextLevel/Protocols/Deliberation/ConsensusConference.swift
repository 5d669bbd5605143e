/// A chair drafts a statement that all could live with, members consent or object, and the chair redrafts; without consent
/// in time, first answers are voted on.
///
/// After the consensus conferences of Danish technology assessment (Joss and Durant 1995) and formal consensus: consent is
/// the absence of objections. Defaults: two drafts; all must consent; the first member is the chair and consents by
/// drafting. Deviations: members who agree from the start need no draft; a reply that is neither yes nor no is no consent,
/// and is counted; a member that fails has not objected, if the quorum of the others has replied. Calls with m members
/// asked for consent (n, or n − 1 if the chair is one of them): n to n + drafts · (1 + m).
public struct ConsensusConference: Procedure {
    /// How many drafts are made at most.
    public var drafts: Int
    /// The share of replies that must consent, from 0 to 1.
    public var consent: Double
    /// Who drafts.
    public var chair: Appointment
    /// How answers are read and counted.
    public var rules: MeetingRules
    /// Asks the chair for a draft.
    public var asksForDraft =
        "Write one answer to the question that everybody who gave these answers could agree to."
    /// Asks a member for consent.
    public var asksForConsent =
        "Can you agree to this draft? Answer yes or no first; if no, say in one sentence what must change."
    /// Asks the chair for another draft.
    public var asksForRedraft =
        "The draft met the objections shown. Write another that meets them as far as they are right."

    /// Makes a conference.
    public init(
        drafts: Int = 2,
        consent: Double = 1,
        chair: Appointment = .first,
        answers: AnswerFormat = .freeText
    ) {
        self.drafts = drafts
        self.consent = consent
        self.chair = chair
        rules = MeetingRules(answers: answers)
    }

    /// What to call it in traces.
    public var name: String { "consensus conference" }
    /// The chair.
    public var appointments: [Appointment] { [chair] }
    /// An answer a member, then a draft and the others' replies a round.
    public func calls(of members: Int) -> ClosedRange<Int> {
        let asked = chair.outsider == nil ? members - 1 : members
        return members...(members + callCount(drafts, 1 + max(asked, 0)))
    }

    /// Drafts until there is consent, then falls back on the vote.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let chair = try meeting.place(of: chair)
        try await meeting.open()
        let answers = meeting.table.latest
        guard answers.count > 1, !meeting.isUnanimous else {
            return try await meeting.vote(after: "the opening")
        }
        let voters = meeting.members.indices.filter { $0 != chair }
        var (material, instruction) = (meeting.exhibits(of: answers), asksForDraft)
        var heard = answers.map(\.member)
        for round in stride(from: 1, through: drafts, by: 1) {
            let question = Meeting.Question(
                to: chair,
                meeting.showing(material, instruction),
                hearing: heard
            )
            guard let draft = try await meeting.remarks("draft \(round)", [question])[0] else { break }
            let shown = Exhibit("Draft", meeting.excerpt(draft.text))
            let request = meeting.showing([shown], asksForConsent)
            let replies = try await meeting.remarks(
                "consent \(round)",
                voters.map { .init(to: $0, request, hearing: [chair]) }
            )
            let vote = Consent(replies.map { $0.map(meeting.consents) })
            Run.note("consent", vote.description)
            let answer = meeting.rules.answers.answer(in: draft.text)
            if vote.isGiven(share: consent, quorum: meeting.rules.quorum), answer.isParsed {
                var conclusion = Conclusion(draft, isAgreed: true)
                conclusion.answer = answer
                conclusion.confidence = vote.share
                conclusion.decision = Decision(choice: "draft \(round)", reason: vote.description)
                return conclusion
            }
            let objections = zip(voters, replies).compactMap { voter, reply in
                reply.flatMap { meeting.consents($0) == true ? nil : (voter, $0.text) }
            }
            material = [shown] + Exhibit.numbered("Objection", objections.map { meeting.excerpt($0.1) })
            (instruction, heard) = (asksForRedraft, [chair] + objections.map(\.0))
        }
        return try await meeting.vote(after: "no consent")
    }
}

/// The replies to a draft.
private struct Consent: CustomStringConvertible {
    var (yes, no, unread, silent) = (0, 0, 0, 0)

    init(_ replies: [Bool??]) {
        for reply in replies {
            guard let reply else {
                silent += 1
                continue
            }
            switch reply {
            case true?: yes += 1
            case false?: no += 1
            case nil: unread += 1
            }
        }
    }

    /// The share of consent among replies.
    var share: Double { yes + no + unread > 0 ? Double(yes) / Double(yes + no + unread) : 0 }

    func isGiven(share wanted: Double, quorum: Quorum) -> Bool {
        let replied = yes + no + unread
        return replied > 0 && replied >= quorum.needed(of: replied + silent) && share >= wanted
    }

    var description: String {
        var parts = ["\(yes) consent", "\(no) object"]
        if unread > 0 { parts.append("\(unread) unread") }
        if silent > 0 { parts.append("\(silent) silent") }
        return parts.joined(separator: ", ")
    }
}
