/// Everybody answers in silence, the answers are listed without names, and everybody ranks the list in silence; the points
/// decide.
///
/// The nominal group technique (Delbecq and Van de Ven 1971): no discussion, so nobody is talked down. Points are Borda's:
/// of m answers the first of a ranking gets m, the second m − 1, and so on; what a ranking leaves out gets none.
///
/// Deviations: equal answers are one entry, the surest statement standing for it; members who agree do not rank; a ranking
/// that cannot be read gives no points, and is counted. Calls: n to 2 n.
public struct NominalGroup: Procedure {
    /// How answers are read, and who must answer.
    public var rules: MeetingRules
    /// Asks for a ranking of the numbered answers shown.
    public var asksForRanking =
        "Rank these answers from best to worst. Write nothing but their numbers, best first, separated by commas."

    /// Makes a nominal group.
    public init(answers: AnswerFormat = .freeText) {
        rules = MeetingRules(answers: answers)
    }

    /// What to call it in traces.
    public var name: String { "nominal group" }
    /// An answer a member, and a ranking a member if they differ.
    public func calls(of members: Int) -> ClosedRange<Int> { members...callCount(2, members) }

    /// Collects, ranks, and counts points.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        try await meeting.open()
        let list = meeting.tally(over: .last).candidates.compactMap { meeting.spokesman(for: $0.answer) }
        guard list.count > 1 else { return try await meeting.vote(after: "the opening") }
        let request = meeting.showing(meeting.exhibits(of: list), asksForRanking)
        let heard = list.map(\.member)
        let rankings = try await meeting.remarks(
            "ranking",
            meeting.members.indices.map { .init(to: $0, request, hearing: heard) }
        )
        var points: [Answer: Double] = Dictionary(uniqueKeysWithValues: list.map { ($0.answer, 0) })
        var unread = 0
        for ranking in rankings {
            guard let order = ranking.flatMap({ Meeting.ranking(in: $0.text, of: list.count) }) else {
                unread += 1
                continue
            }
            for (rank, place) in order.enumerated() {
                points[list[place].answer, default: 0] += Double(list.count - rank)
            }
        }
        if unread > 0 { Run.note("rankings not read", unread) }
        return try meeting.conclude(by: meeting.tally("Borda count of silent rankings", points: points))
    }
}
