/// Members write plans, steps and criticism on a board that all can read, until enough of them say that it is done; then
/// all answer with the board in view, and vote.
///
/// Han and Zhang 2025, blackboard-based multi-agent systems: a member chooses an action, then carries it out, two calls an
/// action; it ends when one member asks to stop. Deviations: a member chooses and acts in one call, by beginning its entry
/// with what it is; all members act side by side each round on the board as it stood before; half of them must say that it
/// is done. Calls: 2 n to n (rounds + 1).
public struct Blackboard: Procedure {
    /// How many rounds of entries are held at most.
    public var rounds: Int
    /// The share of a round's entries that must say “done” to end it.
    public var enough: Double
    /// How answers are read and counted.
    public var rules: MeetingRules
    /// Asks for an entry.
    public var asksForEntry =
        "Work on the question together by writing on the board. Write one entry of one or two sentences that begins with "
        + "Plan, Step or Criticism; or write Done if nothing is missing."
    /// Asks for the answer with the board in view.
    public var asksForAnswer = "Answer the question, going by what is right on the board."

    /// How an entry begins that says that nothing is missing.
    private static let end = "Done"

    /// Makes a board.
    public init(rounds: Int = 3, enough: Double = 0.5, answers: AnswerFormat = .freeText) {
        self.rounds = rounds
        self.enough = enough
        rules = MeetingRules(answers: answers)
    }

    /// What to call it in traces.
    public var name: String { "blackboard" }
    /// An entry a member and round, and an answer a member.
    public func calls(of members: Int) -> ClosedRange<Int> {
        let most = callCount(members, 1 + min(max(rounds, 0), 1 << 30))
        return min(callCount(members, 2), most)...most
    }

    /// Writes on the board, then answers and votes.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        var board: [(place: Int, said: Response)] = []
        func shown(_ meeting: Meeting) -> [Exhibit] {
            board.map {
                Exhibit("Entry by #", meeting.excerpt($0.said.text), of: [meeting.name(of: $0.place)])
            }
        }
        for round in stride(from: 1, through: rounds, by: 1) {
            let request = meeting.showing(shown(meeting), asksForEntry)
            let heard = Set(board.map(\.place)).sorted()
            let entries = try await meeting.remarks(
                "board \(round)",
                meeting.members.indices.map { .init(to: $0, request, hearing: heard, words: board) }
            )
            let written = entries.enumerated().compactMap { author, entry in entry.map { (author, $0) } }
            let end = meeting.rules.wording(Self.end).lowercased()
            let isDone = written.map { $0.1.text.trimmed.lowercased().hasPrefix(end) }
            for (entry, done) in zip(written, isDone) where !done { board.append((entry.0, entry.1)) }
            Run.note("done", "\(isDone.count { $0 }) of \(written.count)")
            if !written.isEmpty, Double(isDone.count { $0 }) >= enough * Double(written.count) { break }
        }
        let request = board.isEmpty ? meeting.request : meeting.showing(shown(meeting), asksForAnswer)
        let heard = Set(board.map(\.place)).sorted()
        try await meeting.answers(
            "answers",
            meeting.members.indices.map { .init(to: $0, request, hearing: heard, words: board) }
        )
        return try await meeting.vote(over: .last, after: "\(board.count) entries")
    }
}
