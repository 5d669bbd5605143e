/// Members comment on the question; a writer answers it as a given community would, going by the comment that reflects that
/// community best.
///
/// Steerable pluralism (Sorensen et al. 2024) by the way of Feng et al. 2024, “Modular Pluralism”: the writer first names
/// the most fitting comment, then answers with it in view. A choice that cannot be read leads to an answer with all
/// comments in view. Defaults: the last member chooses and writes. Calls: n + 2.
public struct Steerable: Procedure {
    /// The community, as it completes “answer as”: “a farmer in the north”.
    public var community: String
    /// Who chooses and writes.
    public var writer: Appointment
    /// How answers are read, and who must answer.
    public var rules: MeetingRules
    /// Asks for a comment.
    public var asksForComment = "Say in a few sentences how you see this question, and why."
    /// Asks which comment reflects the community; `#` stands for it.
    public var asksForChoice =
        "Which of these comments reflects best how # would see the question? Write its number and nothing else."
    /// Asks for the answer; `#` stands for the community.
    public var asksForAnswer = "Answer the question as # would, going by what is shown."

    /// Makes a procedure that answers as a community.
    public init(as community: String, writer: Appointment = .last) {
        self.community = community
        self.writer = writer
        rules = MeetingRules()
    }

    /// What to call it in traces.
    public var name: String { "steerable" }
    /// The writer.
    public var appointments: [Appointment] { [writer] }
    /// A comment a member, the choice, and the answer; with one comment there is no choice.
    public func calls(of members: Int) -> ClosedRange<Int> { (members + 1)...(members + 2) }

    /// Collects comments, chooses, answers.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let writer = try meeting.place(of: writer)
        let request = meeting.showing([], asksForComment)
        let comments = try await meeting.answers(
            "comments",
            meeting.members.indices.map { .init(to: $0, request) }
        ).compactMap { $0 }
        var chosen = comments
        if comments.count > 1 {
            let asked = meeting.showing(
                meeting.exhibits(of: comments, label: "Comment"),
                asksForChoice,
                of: community
            )
            let choice = try await meeting.remarks(
                "choice",
                [.init(to: writer, asked, hearing: comments.map(\.member))]
            )[0]
            let place = choice.flatMap { Meeting.ranking(in: $0.text, of: comments.count)?.first }
            Run.note("chosen", place.map { comments[$0].speaker } ?? "none could be read, so all are shown")
            if let place { chosen = [comments[place]] }
        }
        let shown = meeting.exhibits(of: chosen, label: "Comment")
        return try await meeting.write(
            "answer",
            .init(
                to: writer,
                meeting.showing(shown, asksForAnswer, of: community),
                hearing: chosen.map(\.member)
            )
        )
    }
}
