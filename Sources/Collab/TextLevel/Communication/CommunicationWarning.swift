/// Something about the way in which a team talks that its user should know.
public struct CommunicationWarning: Hashable, Sendable, Codable, CustomStringConvertible {
    /// What goes wrong.
    public enum Kind: String, Hashable, Sendable, Codable {
        /// The members do not come closer: the talk costs and does not converge.
        case divergence
        /// The members come closer because they follow the greater number, or give up what is right more often than what
        /// is wrong.
        case echoChamber
        /// A member says nearly the same again.
        case degenerateRepetition
    }

    /// What goes wrong.
    public var kind: Kind
    /// Why, in one sentence with figures.
    public var description: String
    /// What to do about it, in one sentence.
    public var advice: String

    /// The likeness of two statements from which the second one repeats the first.
    public static let repetitionLimit = 0.95
    /// The share of conforming changes of mind above which agreement is not trusted.
    public static let conformityLimit = 0.8
    /// The share of talks, or of a member's turns, that must show a fault before it is warned of.
    public static let shareLimit = 0.2
    /// The fewest changes of mind, or turns, from which conformity and repetition are judged.
    public static let minimumCount = 3

    static func warnings(about talks: [Talk], _ report: CommunicationReport) -> [CommunicationWarning] {
        [divergence(talks), echoChamber(report)].compactMap { $0 } + repetition(talks)
    }

    /// Whether the entropy of a talk has not fallen over its last two rounds, or its members go round in circles, and
    /// they do not agree.
    static func diverges(_ talk: Talk) -> Bool {
        let last = talk.lastRound
        guard last >= 2, talk.agreement() < 1 else { return false }
        let entropies = (last - 2...last).map { talk.entropy(after: $0) }
        let falls = zip(entropies, entropies.dropFirst()).contains { $1 < $0 - 1e-12 }
        return !falls || talk.isCircling
    }

    private static func divergence(_ talks: [Talk]) -> CommunicationWarning? {
        let long = talks.filter { $0.lastRound >= 2 }
        let count = long.count(where: diverges)
        guard count > 0, Double(count) > shareLimit * Double(long.count) else { return nil }
        return CommunicationWarning(
            kind: .divergence,
            description: "\(count) of \(long.count) talks of two rounds or more do not converge.",
            advice: "Stop them with .entropySlope() and vote over first and last answers, or ask a judge."
        )
    }

    private static func echoChamber(_ report: CommunicationReport) -> CommunicationWarning? {
        let moves = report.transitions
        if moves.rightToWrong > moves.wrongToRight, moves.rightToWrong >= minimumCount {
            return CommunicationWarning(
                kind: .echoChamber,
                description:
                    "\(moves.rightToWrong) right answers were given up, and \(moves.wrongToRight) wrong ones set right.",
                advice: "Vote without a debate, or let only members of high calibration be heard."
            )
        }
        guard let conformity = report.conformity, conformity > conformityLimit,
            let flipRate = report.flipRate, flipRate > 0,
            report.capitulations.reduce(0, { $0 + $1.firstToSecond + $1.secondToFirst }) >= minimumCount,
            let first = report.rounds.first, let last = report.rounds.last, last.entropy < first.entropy
        else { return nil }
        // Where corrections are known to outnumber corruptions, following the others helps.
        if moves.wrongToRight > moves.rightToWrong { return nil }
        let share = (100 * conformity).rounded(toPlaces: 1)
        return CommunicationWarning(
            kind: .echoChamber,
            description:
                "The members agree more and more, and \(share) % of their moves follow the greater number.",
            advice: "Keep the opening ballots in the vote, show answers grouped and without names."
        )
    }

    private static func repetition(_ talks: [Talk]) -> [CommunicationWarning] {
        var turns: [String: (repeated: Int, all: Int)] = [:]
        for turn in talks.flatMap(\.turns) {
            guard let repetition = turn.repetition else { continue }
            turns[turn.speaker, default: (0, 0)].all += 1
            if repetition > repetitionLimit, !turn.isFlip { turns[turn.speaker]?.repeated += 1 }
        }
        return turns.sorted { $0.key < $1.key }.compactMap { member, count in
            guard count.repeated >= minimumCount, Double(count.repeated) > shareLimit * Double(count.all)
            else {
                return nil
            }
            return CommunicationWarning(
                kind: .degenerateRepetition,
                description: "\(member) repeated itself in \(count.repeated) of \(count.all) turns.",
                advice: "Show only what is new (.news), or stop with .stable."
            )
        }
    }
}
