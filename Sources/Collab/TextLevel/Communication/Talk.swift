/// One talk of a team: its members' turns, in the order in which they were taken, and what came of it.
///
/// Talks are read from the log of a run, as it is written (``TalkLog``) or afterwards (``Trace/talks``). What is
/// measured about them needs nothing else, but for the right answer where accuracy is asked for. Between rounds a member
/// holds the answer that it gave last; an answer that could not be read agrees with nobody, not even with another one.
public struct Talk: Hashable, Sendable, Codable {
    /// The turns in which the question was answered, in order.
    public var turns: [Turn]
    /// The turns in which something else was said, in order: critiques, plans, verdicts, and the final answer where it was
    /// written from those of others. They count for what is exchanged and what it costs.
    public var remarks: [Turn]
    /// What the talk came to; `nil` if that was not decided, or not yet.
    public var outcome: Answer?
    /// The right answer, where the program knows it.
    public var truth: Answer?

    /// Makes a talk.
    public init(turns: [Turn] = [], remarks: [Turn] = [], outcome: Answer? = nil, truth: Answer? = nil) {
        self.turns = turns
        self.remarks = remarks
        self.outcome = outcome
        self.truth = truth
    }

    /// The members, in the order in which they first spoke.
    public var members: [String] {
        var members: [String] = []
        for turn in turns where !members.contains(turn.speaker) { members.append(turn.speaker) }
        return members
    }

    /// The number of the last round; 0 is the opening one, -1 stands for a talk in which nobody spoke.
    public var lastRound: Int { turns.map(\.round).max() ?? -1 }

    /// What each member held after a round, in the order of ``members``; `nil` for one that had not spoken.
    public func answers(after round: Int) -> [Answer?] {
        var held: [String: Answer] = [:]
        for turn in turns where turn.round <= round { held[turn.speaker] = turn.answer }
        return members.map { held[$0] }
    }

    /// The tokens that were read and written for the turns and remarks of some rounds, as far as they were counted.
    public func tokens(in rounds: some RangeExpression<Int>) -> Int {
        (turns + remarks).reduce(0) { $0 + (rounds.contains($1.round) ? $1.usage?.totalTokens ?? 0 : 0) }
    }
}

extension Talk {
    /// Reads a talk, also one that was written before remarks were told apart.
    public init(from decoder: any Swift.Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            turns: try container.decode([Turn].self, forKey: .turns),
            remarks: try container.decodeIfPresent([Turn].self, forKey: .remarks) ?? [],
            outcome: try container.decodeIfPresent(Answer.self, forKey: .outcome),
            truth: try container.decodeIfPresent(Answer.self, forKey: .truth)
        )
    }
}
