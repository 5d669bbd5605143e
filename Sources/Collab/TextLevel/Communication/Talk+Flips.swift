extension Talk {
    /// A change of mind, and whom it pleased.
    public struct Flip: Hashable, Sendable, Codable {
        /// Who changed its mind.
        public var member: String
        /// The round in which it did.
        public var round: Int
        /// Its answer before.
        public var before: Answer
        /// Its answer from then on.
        public var after: Answer
        /// Whether it had held the new answer before, and left it: oscillation.
        public var isReturn: Bool
        /// Whether no answer was held by more of the others in the round before: conformity. Where there is but one other,
        /// there is no greater number to follow.
        public var isConforming: Bool
        /// Those that held the new answer in the round before, and that it was shown: whom it moved to.
        public var joined: [String]
    }

    /// Every change of mind, in the order of the turns.
    public var flips: [Flip] {
        var flips: [Flip] = []
        var past: [String: [Answer]] = [:]
        for turn in turns {
            let own = past[turn.speaker] ?? []
            past[turn.speaker, default: []].append(turn.answer)
            guard turn.isFlip, let before = turn.before else { continue }
            let others = held(after: turn.round - 1, without: turn.speaker)
            var counts: [Answer: Int] = [:]
            for answer in others.values where answer.isParsed { counts[answer, default: 0] += 1 }
            let support = counts[turn.answer] ?? 0
            flips.append(
                Flip(
                    member: turn.speaker,
                    round: turn.round,
                    before: before,
                    after: turn.answer,
                    isReturn: turn.answer.isParsed && own.dropLast().contains(turn.answer),
                    isConforming: others.count > 1 && support > 0 && support == counts.values.max(),
                    joined: turn.heard.filter { turn.answer.isParsed && others[$0] == turn.answer }
                )
            )
        }
        return flips
    }

    /// How many turns could have been changes of mind: those of members that had spoken before.
    public var reconsiderations: Int { turns.count { $0.before != nil } }

    /// Whether all members hold together what they held together after some earlier round, having moved in between: the
    /// talk goes round in circles.
    public var isCircling: Bool {
        guard lastRound >= 2 else { return false }
        let states = (0...lastRound).map { answers(after: $0) }
        return states.indices.dropFirst(2).contains { later in
            (0..<(later - 1)).contains { earlier in
                states[earlier] == states[later]
                    && states[earlier...later].contains { $0 != states[later] }
            }
        }
    }

    private func held(after round: Int, without member: String) -> [String: Answer] {
        var held: [String: Answer] = [:]
        for turn in turns where turn.round <= round && turn.speaker != member {
            held[turn.speaker] = turn.answer
        }
        return held
    }
}
