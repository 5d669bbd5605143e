/// After which round more talk changes nothing any more about how a team's votes fall, learned from talks that were not
/// stopped.
///
/// The distribution of the votes for the leading answer is fitted for each round by a mixture of two beta-binomials; talk
/// is stable where the Kolmogorov–Smirnov distance between rounds stays small (after Hu et al. 2025, “Multi-agent debate
/// for LLM judges with adaptive stability detection”). They count the judges that are right, over a batch that is debated
/// in step; counting the votes for whatever leads needs no right answers, and what is learned is used for single debates.
public struct VoteStability: Hashable, Sendable, Codable {
    /// How the votes are distributed after each round, from the opening one.
    public let rounds: [BetaBinomialMixture]

    /// Learns from talks of one team; of a talk that ended earlier, its end counts.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` without talks, or if the teams differ in size.
    public init(of talks: [Talk]) throws(CollabError) {
        let spoken = talks.filter { $0.lastRound >= 0 }
        let sizes = Set(spoken.map(\.members.count))
        guard let size = sizes.first, sizes.count == 1, let last = spoken.map(\.lastRound).max() else {
            throw CollabError(
                .invalidRequest,
                "Stability is learned from one talk or more, all of a team of one size."
            )
        }
        var rounds: [BetaBinomialMixture] = []
        for round in 0...last {
            let counts = spoken.map { Int(($0.agreement(after: round) * Double(size)).rounded()) }
            rounds.append(try BetaBinomialMixture(fitting: counts, of: size))
        }
        self.rounds = rounds
    }

    /// For each round after the opening one, how far the votes are from those of the round before, 0…1.
    public var distances: [Double] { zip(rounds, rounds.dropFirst()).map { $0.distance(to: $1) } }

    /// The round after which the distance has stayed below a limit for so many rounds; `nil` if it never does.
    public func stableRound(within limit: Double = 0.05, for count: Int = 2) -> Int? {
        let count = max(count, 1)
        let small = distances.map { $0 < limit }
        guard small.count >= count else { return nil }
        return (count...small.count).first { end in small[(end - count)..<end].allSatisfy { $0 } }
    }
}

extension Stopping {
    /// So many rounds have been held that a team's votes are known to move no more (``VoteStability``); never, if that was
    /// not seen.
    public static func votesStable(
        _ learned: VoteStability,
        within limit: Double = 0.05,
        for rounds: Int = 2
    ) -> Stopping {
        let name = "votes known to be stable within \(limit)"
        guard let stable = learned.stableRound(within: limit, for: rounds) else {
            return Stopping(name) { _ in nil }
        }
        return Stopping(name) { $0.round >= stable ? Verdict(rule: name, isAgreement: false) : nil }
    }
}
