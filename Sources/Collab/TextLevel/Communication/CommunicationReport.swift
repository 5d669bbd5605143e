/// How the members of a team communicate, over many talks: what talking added to a vote, how much they agree, who changes
/// whose mind, what it costs.
///
/// Whatever concerns right and wrong is measured on the talks whose ``Talk/truth`` is known, and `nil` without any; an
/// answer that could not be read is wrong.
///
/// <!-- fragment -->
/// ```swift
/// var talks = trace.talks
/// for index in talks.indices { talks[index].truth = .value(solutions[index]) }
/// print(CommunicationReport(of: talks))
/// ```
public struct CommunicationReport: Hashable, Sendable, Codable {
    /// How many talks were measured.
    public var talks: Int
    /// How many of them have a known right answer.
    public var judged: Int

    /// What talking added to a vote over the opening answers: accuracy of the outcome less accuracy of the vote, with the
    /// interval that resampling the talks gives. The figure to look at first.
    public var addedValue: ConfidenceInterval?
    /// How often members are right in the opening round, on average.
    public var openingAccuracy: Double?
    /// How often a plurality of the opening answers is right; a tie among k answers counts 1 ∕ k if one is right.
    public var voteAccuracy: Double?
    /// How often the outcome is right; where a talk was not decided, a plurality of the last answers.
    public var finalAccuracy: Double?
    /// How often some opening answer is right: what a perfect judge would reach.
    public var oracleAccuracy: Double?
    /// How often the outcome is wrong although an opening answer was right.
    public var lostTruth: Double?

    /// How the members stand after each round.
    public var rounds: [Round]
    /// How much more members agree than by chance on their opening answers (Fleiss' κ).
    public var openingKappa: Double?
    /// How much more they agree than by chance at the end.
    public var finalKappa: Double?
    /// How many independent votes the members' opening answers are worth, by the correlation of their errors (Kish).
    public var effectiveVotes: Double?
    /// How often two members that are both wrong in the opening round give the same wrong answer.
    public var sameWrong: Double?

    /// What became of answers when members spoke again.
    public var transitions: Transitions
    /// The share of changes of mind among the turns that could have been one.
    public var flipRate: Double?
    /// The share of changes of mind that went to an answer that no other was ahead of among the others.
    public var conformity: Double?
    /// The share of changes of mind that went back to an answer that the member had left before.
    public var oscillation: Double?
    /// Who moves to whom, by pairs of members.
    public var capitulations: [Capitulation]

    /// What was exchanged, by members and round, over all talks.
    public var edges: [Talk.Edge]
    /// The share of the statements shown that repeated another one's answer.
    public var redundancy: Double?
    /// The tokens of the opening rounds.
    public var openingTokens: Int
    /// The tokens of all later rounds.
    public var laterTokens: Int
    /// The tokens of later rounds for each answer by which corrections outnumber corruptions; `nil` if they do not.
    public var tokensPerCorrection: Double?

    /// What to be careful about.
    public var warnings: [CommunicationWarning]

    /// How the members stand after a round, on average over the talks; of one that ended earlier, its end counts.
    public struct Round: Hashable, Sendable, Codable {
        /// The round; 0 is the opening one.
        public var round: Int
        /// How many talks had such a round.
        public var held: Int
        /// The mean share of the most frequent answer.
        public var agreement: Double
        /// The mean entropy, from 0 to 1.
        public var entropy: Double
    }

    /// What became of answers when members spoke again, by right and wrong.
    public struct Transitions: Hashable, Sendable, Codable {
        /// Right answers that were kept.
        public var rightToRight = 0
        /// Right answers that were given up: corruption.
        public var rightToWrong = 0
        /// Wrong answers that were set right: correction.
        public var wrongToRight = 0
        /// Wrong answers that were kept.
        public var wrongToSame = 0
        /// Wrong answers that were changed for other wrong ones.
        public var wrongToOtherWrong = 0

        /// The share of wrong answers that were set right.
        public var correctionRate: Double? { Self.share(wrongToRight, of: wrongToSame + wrongToOtherWrong) }
        /// The share of right answers that were given up.
        public var corruptionRate: Double? { Self.share(rightToWrong, of: rightToRight) }

        private static func share(_ count: Int, of others: Int) -> Double? {
            count + others > 0 ? Double(count) / Double(count + others) : nil
        }
    }

    /// Who moves to whom, of two members.
    public struct Capitulation: Hashable, Sendable, Codable {
        /// One member.
        public var first: String
        /// The other.
        public var second: String
        /// How often the first took over an answer that the second held.
        public var firstToSecond: Int
        /// How often the second took over an answer that the first held.
        public var secondToFirst: Int

        /// Makes a record.
        public init(first: String, second: String, firstToSecond: Int, secondToFirst: Int) {
            self.first = first
            self.second = second
            self.firstToSecond = firstToSecond
            self.secondToFirst = secondToFirst
        }

        /// From −1 (the second always gives in) to 1 (the first does); 0 if both do equally.
        public var asymmetry: Double {
            Double(firstToSecond - secondToFirst) / Double(max(firstToSecond + secondToFirst, 1))
        }
    }
}
