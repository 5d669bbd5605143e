#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Talk {
    /// The share of those who have spoken that hold the most frequent answer after a round (by default the last one);
    /// 0 if no answer could be read.
    public func agreement(after round: Int? = nil) -> Double {
        let counts = counts(after: round ?? lastRound)
        let total = counts.parsed.values.reduce(counts.unparsed, +)
        return total > 0 ? Double(counts.parsed.values.max() ?? 0) / Double(total) : 0
    }

    /// How scattered the answers are after a round, from 0 (all equal) to 1: −Σ p ln p ∕ ln min(n, K), p the shares of
    /// the answers of n members.
    ///
    /// - Parameter options: how many answers are possible, K; `nil` where that is not known.
    public func entropy(after round: Int? = nil, options: Int? = nil) -> Double {
        let counts = counts(after: round ?? lastRound)
        let shares = counts.parsed.values.sorted() + Array(repeating: 1, count: counts.unparsed)
        let total = Double(shares.reduce(0, +))
        let most = min(total, options.map { Double(max($0, 2)) } ?? total)
        guard most > 1 else { return 0 }
        let entropy = -shares.reduce(0.0) { $0 + Double($1) / total * log(Double($1) / total) }
        return min(max(entropy / log(most), 0), 1)
    }

    /// The answers that most members hold after a round: several if there is a tie, none if none could be read.
    public func leaders(after round: Int? = nil) -> Set<Answer> {
        let counts = counts(after: round ?? lastRound).parsed
        let most = counts.values.max()
        return Set(counts.filter { $0.value == most }.keys)
    }

    private func counts(after round: Int) -> (parsed: [Answer: Int], unparsed: Int) {
        var parsed: [Answer: Int] = [:]
        var unparsed = 0
        for answer in answers(after: round) {
            guard let answer else { continue }
            if answer.isParsed { parsed[answer, default: 0] += 1 } else { unparsed += 1 }
        }
        return (parsed, unparsed)
    }
}
