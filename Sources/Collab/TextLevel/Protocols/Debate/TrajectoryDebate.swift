/// Members are asked to keep to their answer unless they find an error, and every answer on the way counts, not only the
/// last ones.
///
/// Cui et al. 2025, “Free-MAD”: prompts against conformity, one round, and a score over whole trajectories instead of a vote
/// over last answers, about half the tokens and more robust against attack. An opening answer scores `opening`; an answer
/// kept in round t scores `kept` / (t + 1); a change of mind costs the old answer `left` / (t + 1) and gives the new one
/// `taken` / (t + 1).
///
/// Deviation: their constants are not used; the defaults let an opening answer count as much as one that was taken later,
/// and are for the program to tune. Calls: n to n (1 + rounds).
public struct TrajectoryDebate: Procedure {
    /// What the steps of a trajectory count.
    public struct Weights: Hashable, Sendable, Codable {
        /// An opening answer.
        public var opening: Double
        /// An answer that was kept.
        public var kept: Double
        /// An answer that was taken on.
        public var taken: Double
        /// An answer that was left; it is subtracted.
        public var left: Double

        /// Makes weights.
        public init(opening: Double = 1, kept: Double = 1, taken: Double = 1, left: Double = 1) {
            self.opening = opening
            self.kept = kept
            self.taken = taken
            self.left = left
        }
    }

    /// How the debate is held.
    public var debate: DebateRules
    /// What the steps count.
    public var weights: Weights

    /// Makes a debate.
    public init(
        rounds: Int = 1,
        answers: AnswerFormat = .freeText,
        weights: Weights = Weights(),
        wording: Wording = .english
    ) {
        debate = DebateRules(
            rounds: rounds,
            answers: answers,
            until: .unanimity,
            visibility: .previousRound,
            prompts: .againstConformity(in: wording)
        )
        self.weights = weights
    }

    /// What to call it in traces.
    public var name: String { "trajectory debate" }
    /// The debate's.
    public var rules: MeetingRules {
        MeetingRules(answers: debate.answers, quorum: debate.quorum, ties: debate.ties)
    }
    /// The debate's.
    public func calls(of members: Int) -> ClosedRange<Int> {
        let range = Debate(debate).callRange(teamSize: members)
        return min(members, range.upperBound)...range.upperBound
    }

    /// Debates, and scores trajectories.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        try await meeting.debate(debate)
        return try meeting.conclude(
            by: meeting.tally("score over trajectories", points: points(of: meeting.table))
        )
    }

    /// What every answer has scored.
    public func points(of table: DebateTable) -> [Answer: Double] {
        var points: [Answer: Double] = [:]
        for member in table.members.indices {
            var held: Answer?
            for (round, statements) in table.rounds.enumerated() {
                guard let statement = statements[member] else { continue }
                let (answer, share) = (statement.answer, 1 / Double(round + 1))
                if let before = held {
                    if before == answer {
                        points[answer, default: 0] += weights.kept * share
                    } else {
                        points[before, default: 0] -= weights.left * share
                        points[answer, default: 0] += weights.taken * share
                    }
                } else {
                    points[answer, default: 0] += weights.opening
                }
                held = answer
            }
        }
        return points.filter { $0.key.isParsed }
    }
}

extension DebatePrompts {
    /// Shows the others' answers and asks the member to look for errors rather than for agreement.
    public static func againstConformity(in wording: Wording = .english) -> DebatePrompts {
        showing(
            "That others agree is no evidence. Change your answer only if you find an error in it; otherwise keep it. Give your "
                + "final answer.",
            in: wording
        ) { view in Exhibit.numbered("Answer", view.others.map { $0.example.text.excerpt(600) }) }
    }
}
