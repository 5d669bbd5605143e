#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// Rules that weigh the evidence of the votes, or look at what the run has used.

extension Stopping {
    /// The leading answer is, with a probability above a threshold, the one that most further votes would give.
    ///
    /// See ``Tally/leaderProbability`` (adaptive consistency, Aggarwal et al. 2023). Members are taken as independent,
    /// which members of one kind are not: the probability is too high rather than too low.
    public static func betaPosterior(above threshold: Double = 0.95) -> Stopping {
        let name = "beta posterior above \(threshold)"
        return Stopping(name) { table in
            guard let probability = table.plurality.leaderProbability else { return nil }
            return probability > threshold ? Verdict(rule: name, isAgreement: true) : nil
        }
    }

    /// The entropy of the answers has not fallen in so many latest rounds: the talk does not converge.
    public static func entropySlope(over rounds: Int = 2) -> Stopping {
        let rounds = max(rounds, 1)
        let name = "entropy that does not fall over \(rounds) round\(rounds == 1 ? "" : "s")"
        return Stopping(name) { table in
            guard table.round >= rounds else { return nil }
            let entropies = (table.round - rounds...table.round).map { table.entropy(through: $0) }
            let falls = zip(entropies, entropies.dropFirst()).contains { $1 < $0 - 1e-12 }
            return falls ? nil : Verdict(rule: name, isAgreement: false)
        }
    }

    /// The entropy of the answers, as a share of the greatest that so many answers could have, is at most so much.
    public static func entropy(atMost threshold: Double = 0.75) -> Stopping {
        let name = "normalised entropy at most \(threshold)"
        return Stopping(name) { table in
            let count = Double(table.latest.count)
            guard count > 1, table.plurality.winner != nil else { return nil }
            let share = table.entropy(through: table.round) / log(count)
            return share <= threshold ? Verdict(rule: name, isAgreement: true) : nil
        }
    }

    /// The run has used up a share of one of its budget's limits, so that something is left for later stages.
    public static func budget(share: Double) -> Stopping {
        let name = "\(share) of the budget"
        return Stopping(name) { _ in
            guard let run = Run.current, run.spentShare >= share else { return nil }
            return Verdict(rule: name, isAgreement: false)
        }
    }

    /// The run has gone on for so long.
    public static func deadline(_ duration: Duration) -> Stopping {
        let name = "a deadline of \(duration)"
        return Stopping(name) { _ in
            guard let run = Run.current, run.elapsed >= duration else { return nil }
            return Verdict(rule: name, isAgreement: false)
        }
    }
}

extension Tally {
    /// The probability that the answer with most votes is the one that most further votes would give; `nil` without a
    /// vote.
    ///
    /// With a and b votes for the two leading answers it is P(Binomial(a + b + 1, ½) ≤ a): the share of a Beta(a + 1,
    /// b + 1) distribution above one half.
    public var leaderProbability: Double? {
        let counts = candidates.map(\.ballots.count).sorted(by: >)
        guard let first = counts.first else { return nil }
        return majorityProbability(first, counts.count > 1 ? counts[1] : 0)
    }
}

/// The probability that an answer with `first` votes is more frequent than one with `second`: the share of
/// Binomial(first + second + 1, ½) up to `first`.
func majorityProbability(_ first: Int, _ second: Int) -> Double {
    let trials = Double(first + second + 1)
    return (0...max(first, 0)).reduce(0) { sum, successes in
        let k = Double(successes)
        let logarithm = lgamma(trials + 1) - lgamma(k + 1) - lgamma(trials - k + 1) - trials * log(2)
        return sum + exp(logarithm)
    }
}

extension Run {
    /// The greatest share that is used of any limit of the budget; 0 without limits.
    fileprivate var spentShare: Double {
        func share(_ used: Double, of limit: Double?) -> Double { limit.map { $0 > 0 ? used / $0 : 1 } ?? 0 }
        func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }
        let used = usage
        return [
            share(Double(used.calls), of: budget.calls.map(Double.init)),
            share(Double(used.totalTokens), of: budget.tokens.map(Double.init)),
            share(Double(used.cost.billionths), of: budget.cost.map { Double($0.billionths) }),
            share(seconds(elapsed), of: budget.duration.map(seconds)),
        ].max() ?? 0
    }
}

extension DebateTable {
    /// The plurality of the latest answers.
    var plurality: Tally { Aggregation.plurality.count(ballots(.last), ties: .firstDeclared) }

    /// The entropy of the answers that members held after a round, in nats; an unparsed answer is one of its own.
    public func entropy(through round: Int) -> Double {
        var counts: [Answer: Int] = [:]
        var unreadable = 0
        for member in members.indices {
            guard let answer = latest(of: member, through: round)?.answer else { continue }
            if answer.isParsed { counts[answer, default: 0] += 1 } else { unreadable += 1 }
        }
        let total = Double(counts.values.reduce(unreadable, +))
        guard total > 0 else { return 0 }
        let parts = counts.values.sorted().map(Double.init) + Array(repeating: 1, count: unreadable)
        return -parts.reduce(0) { $0 + $1 / total * log($1 / total) }
    }
}
