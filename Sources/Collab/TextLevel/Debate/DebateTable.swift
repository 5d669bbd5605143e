/// Everything that has been said, round by round.
public struct DebateTable: Sendable {
    /// Which statements are voted on.
    public enum BallotScope: String, Hashable, Sendable, Codable {
        /// Each member's latest.
        case last
        /// Each member's first and latest: an opening ballot cannot be talked away.
        case firstAndLast
    }

    /// A change of mind.
    public struct Flip: Hashable, Sendable, Codable {
        /// The member's place in the team.
        public var member: Int
        /// The round in which it changed its mind.
        public var round: Int
        /// Its answer before.
        public var before: Answer
        /// Its answer from then on.
        public var after: Answer
    }

    /// The members' names, in declaration order.
    public let members: [String]
    /// For each round, for each member, what it said; `nil` if it said nothing.
    public private(set) var rounds: [[Statement?]] = []

    /// Makes an empty table.
    public init(members: [String]) {
        self.members = members
    }

    /// The number of the latest round; -1 before the opening one.
    public var round: Int { rounds.count - 1 }

    /// Opens the next round.
    mutating func openRound() {
        rounds.append(Array(repeating: nil, count: members.count))
    }

    /// Adds a statement to the latest round.
    mutating func add(_ statement: Statement) {
        rounds[rounds.count - 1][statement.member] = statement
    }

    /// Every statement, round by round, in declaration order.
    public var statements: [Statement] { rounds.flatMap { $0.compactMap { $0 } } }

    /// What a member said last, up to and including a round.
    public func latest(of member: Int, through round: Int? = nil) -> Statement? {
        let last = min(round ?? self.round, self.round)
        guard last >= 0 else { return nil }
        return rounds[...last].reversed().lazy.compactMap { $0[member] }.first
    }

    /// What each member said last, in declaration order; members that never spoke are left out.
    public var latest: [Statement] { members.indices.compactMap { latest(of: $0) } }

    /// The votes of all who have spoken.
    public func ballots(_ scope: BallotScope) -> [Ballot] {
        func ballot(_ statement: Statement) -> Ballot {
            Ballot(
                member: statement.member,
                name: statement.speaker,
                answer: statement.answer,
                confidence: statement.confidence,
                text: statement.text
            )
        }
        let last = latest.map(ballot)
        // Before anybody has spoken again, first and latest are the same statement, and count once.
        guard scope == .firstAndLast, round > 0 else { return last }
        let first = members.indices.compactMap { member in
            rounds.lazy.compactMap { $0[member] }.first.map(ballot)
        }
        return first + last
    }

    /// Who changed its answer in a round.
    public func flips(in round: Int) -> [Flip] {
        guard round >= 1, rounds.indices.contains(round) else { return [] }
        return rounds[round].compactMap { statement in
            guard let statement, let before = latest(of: statement.member, through: round - 1),
                before.answer != statement.answer
            else { return nil }
            return Flip(
                member: statement.member,
                round: round,
                before: before.answer,
                after: statement.answer
            )
        }
    }

    /// Every change of mind, in order.
    public var flips: [Flip] { rounds.indices.flatMap { flips(in: $0) } }
}
