/// Votes that members pass on to those whom they trust more.
struct DelegatedVote {
    /// For each vote, the share of it that each vote keeps or gets.
    let shares: [[Double]]

    init(_ candidates: [Tally.Candidate]) {
        let ballots = candidates.flatMap(\.ballots)
        let measured = ballots.compactMap(\.confidence)
        let mean = measured.isEmpty ? 0.5 : measured.reduce(0, +) / Double(measured.count)
        let confidences = ballots.map { min(max($0.confidence ?? mean, 0), 1) }
        let similarities = SimilarityVote(byWordsOf: candidates).similarities
        shares = ballots.indices.map { own in
            let trust = ballots.indices.map { other in
                other == own ? 0 : confidences[other] * similarities[own][other]
            }
            let total = trust.reduce(0, +)
            // Whoever finds nobody to trust keeps its vote.
            guard total > 0 else { return ballots.indices.map { $0 == own ? 1 : 0 } }
            return ballots.indices.map { other in
                other == own ? confidences[own] : (1 - confidences[own]) * trust[other] / total
            }
        }
    }

    /// Where the votes come to rest when they are passed on again and again, beginning with one each.
    var resting: [Double] {
        let count = shares.count
        var votes = [Double](repeating: 1, count: count)
        for _ in 0..<1000 {
            var next = votes.map { $0 / 2 }
            for own in 0..<count {
                for other in 0..<count { next[other] += votes[own] * shares[own][other] / 2 }
            }
            let change = zip(votes, next).reduce(0) { $0 + abs($1.0 - $1.1) }
            votes = next
            if change < 1e-12 { break }
        }
        return votes
    }
}

extension Aggregation {
    /// Members pass their votes on: each keeps as much of its vote as it is sure, and gives the rest to the others in
    /// proportion to their confidence and to how alike their texts are to its own. The answer at which most of the votes
    /// come to rest wins.
    ///
    /// A chain of delegation ends where confidence is: a member that is entirely sure keeps what it gets. A confidence
    /// that was not measured counts as the mean of those that were, and as one half if none was. The idea is that of
    /// weights propagated to a stationary distribution; likeness is by words and word pairs (see ``similarity``).
    public static let delegation = Aggregation("delegated vote") { candidates in
        var votes = DelegatedVote(candidates).resting[...]
        return candidates.map { candidate in
            defer { votes = votes.dropFirst(candidate.ballots.count) }
            return votes.prefix(candidate.ballots.count).reduce(0, +)
        }
    }
}
