/// A talk whose right answer is known, and who was right when.
struct JudgedTalk {
    let talk: Talk
    let truth: Answer
    /// Whether each opening answer is right.
    let opening: [Bool]
    /// How right a plurality of the opening answers is: 1, 0, or the share of a tie.
    let vote: Double
    /// How right the outcome is.
    let final: Double

    init?(_ talk: Talk) {
        guard let truth = talk.truth, truth.isParsed, !talk.turns.isEmpty else { return nil }
        self.talk = talk
        self.truth = truth
        opening = talk.answers(after: 0).compactMap { $0.map { $0 == truth } }
        vote = Self.share(of: truth, among: talk.leaders(after: 0))
        final = talk.outcome.map { $0 == truth ? 1 : 0 } ?? Self.share(of: truth, among: talk.leaders())
    }

    private static func share(of truth: Answer, among leaders: Set<Answer>) -> Double {
        leaders.contains(truth) ? 1 / Double(leaders.count) : 0
    }

    /// The pairs of members that are both wrong in the opening round and could be read, and those of them that give the
    /// same answer.
    var sameWrong: (same: Int, all: Int) {
        let wrong = talk.answers(after: 0).compactMap { $0 }.filter { $0.isParsed && $0 != truth }
        var counts: [Answer: Int] = [:]
        for answer in wrong { counts[answer, default: 0] += 1 }
        let same = counts.values.reduce(0) { $0 + $1 * ($1 - 1) / 2 }
        return (same, wrong.count * max(wrong.count - 1, 0) / 2)
    }

    /// Counts what became of each member's answer when it spoke again.
    func count(into transitions: inout CommunicationReport.Transitions) {
        for turn in talk.turns {
            guard let before = turn.before else { continue }
            switch (before == truth, turn.answer == truth) {
            case (true, true): transitions.rightToRight += 1
            case (true, false): transitions.rightToWrong += 1
            case (false, true): transitions.wrongToRight += 1
            case (false, false):
                if before == turn.answer {
                    transitions.wrongToSame += 1
                } else {
                    transitions.wrongToOtherWrong += 1
                }
            }
        }
    }
}
