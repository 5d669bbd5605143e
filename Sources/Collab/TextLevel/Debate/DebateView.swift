/// What one member is shown before it speaks again.
public struct DebateView: Sendable {
    /// Statements of others that give the same answer, or a single one.
    public struct Group: Sendable {
        /// Their answer.
        public var answer: Answer
        /// The statements, surest first (ties: declaration order); never empty.
        public var statements: [Statement]
        /// The statement that stands for the group.
        public var example: Statement { statements[0] }
    }

    /// What was asked.
    public var request: Request
    /// The round that the member is about to speak in.
    public var round: Int
    /// The member's place in the team.
    public var member: Int
    /// The member's name.
    public var speaker: String
    /// What it said last; `nil` if it has not spoken.
    public var own: Statement?
    /// What it is reminded of having said, oldest first.
    public var history: [Statement]
    /// What it is shown of the others.
    public var others: [Group]
    /// Whether it may learn who said what.
    public var namesAuthors: Bool

    /// The view of a member under rules of topology and visibility.
    init(
        of member: Int,
        at table: DebateTable,
        request: Request,
        topology: Topology,
        visibility: Visibility
    ) {
        self.request = request
        round = table.round
        self.member = member
        speaker = table.members[member]
        own = table.latest(of: member)
        history =
            switch visibility.ownHistory {
            case .hidden: []
            case .latest: own.map { [$0] } ?? []
            case .everything: table.statements.filter { $0.member == member }
            }
        namesAuthors = visibility.namesAuthors
        let heard = topology.heard(by: member, of: table.members.count)
        var statements: [Statement] =
            switch visibility.span {
            case .previousRound: heard.compactMap { table.latest(of: $0) }
            case .everything: table.statements.filter { heard.contains($0.member) }
            }
        if visibility.isNewOnly {
            // In a round in which nobody has spoken yet, what was new in the one before is new.
            let first = own?.round ?? 0
            statements = statements.filter { statement in
                let before = table.latest(of: statement.member, through: statement.round - 1)
                return statement.round >= first && before?.answer != statement.answer
            }
        }
        others =
            visibility.isGrouped
            ? Self.grouped(statements, without: own?.answer)
            : statements.map { Group(answer: $0.answer, statements: [$0]) }
    }

    /// One group an answer, in the order in which answers first occur; the member's own answer is left out.
    private static func grouped(_ statements: [Statement], without own: Answer?) -> [Group] {
        var groups: [Group] = []
        for statement in statements {
            if statement.answer.isParsed {
                if statement.answer == own { continue }
                if let index = groups.firstIndex(where: { $0.answer == statement.answer }) {
                    groups[index].statements.append(statement)
                    continue
                }
            }
            groups.append(Group(answer: statement.answer, statements: [statement]))
        }
        for index in groups.indices {
            groups[index].statements.sort {
                ($0.confidence ?? -1, $1.member) > ($1.confidence ?? -1, $0.member)
            }
        }
        return groups
    }

    /// The members whose statements are in the view, in declaration order.
    public var heard: [Int] { Set(others.flatMap(\.statements).map(\.member)).sorted() }

    /// What it is shown, as it stands in a trace: of each group the statement that stands for it.
    var messages: [Turn.Message] {
        others.map { group in
            Turn.Message(
                author: group.example.speaker,
                round: group.example.round,
                answer: group.answer,
                tokens: group.example.response.usage.completionTokens
            )
        }
    }
}
