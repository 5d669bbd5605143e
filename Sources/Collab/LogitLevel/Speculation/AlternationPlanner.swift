/// Chooses whether a fusion's members take turns, who begins, and how many tokens each guesses at a time.
///
/// For two members, of which A guesses γ tokens that are right with probability a each, and B reads them and adds a guess
/// of its own that is right with probability b, a round gives N + aᵞ tokens, N = (1 − aᵞ) / (1 − a), for the time
/// γ c_A(1) + c_B(γ + 1) + aᵞ (1 − b) c_A(1), with c(m) the time of a pass of m tokens. The choice of A and γ follows
/// from it; whether turns pay at all follows from what a token has taken with and without them. All measurements fade.
struct AlternationPlanner: Sendable {
    let length: SpeculationLength
    private var trials: [Faded]
    private var passes: [FadedLine]
    private var plainSeconds = Faded()
    private var turnSeconds = Faded()
    /// How many tokens are still to be written in a way that is being tried, and which.
    private var trial: (isPlain: Bool, left: Int) = (true, 2)
    private var sinceTrial = 0
    /// How many tokens there are between two trials; more as the choice proves right, for a trial of the slower way costs
    /// what it loses.
    private var patience = Self.leastPatience
    private var wasPlainFaster: Bool?
    private(set) var lead = 0
    private var leadCount = 1

    private static let fading = 0.95
    /// How many tokens a trial has. Plain ones take alike long; turns take as long as guesses have luck.
    private static let plainTrial = 3
    private static let turnTrial = 12
    private static let leastPatience = 64
    private static let mostPatience = 512
    /// How many times the best rate so far a longer guess has to promise.
    private static let advantage = 1.05

    init(_ length: SpeculationLength, members count: Int) {
        self.length = length
        trials = Array(repeating: Faded(value: 1.4, weight: 2), count: count)
        passes = Array(repeating: FadedLine(), count: count)
        if case .fixed(let count) = length { leadCount = count }
    }

    /// Whether the next token is to be read by all members side by side.
    var isPlain: Bool {
        guard trials.count > 1 else { return true }
        switch length {
        case .fixed(let count): return count == 0
        case .automatic(let most):
            if most == 0 { return true }
            if trial.left > 0 { return trial.isPlain }
            return isPlainFaster
        }
    }

    private var isPlainFaster: Bool {
        guard let plain = plainSeconds.mean, let turns = turnSeconds.mean else { return false }
        return plain <= turns
    }

    /// How many tokens a member guesses at a time.
    func most(of leaf: Int) -> Int {
        if case .fixed(let count) = length { return count }
        return leaf == lead ? leadCount : 1
    }

    mutating func noteGuess(of leaf: Int, isRight: Bool) {
        trials[leaf].add(isRight ? 1 : 0, fading: Self.fading)
    }

    mutating func notePass(of leaf: Int, tokens: Int, seconds: Double) {
        passes[leaf].add(Double(tokens), seconds, fading: Self.fading)
    }

    mutating func noteToken(seconds: Double, isPlain: Bool) {
        guard case .automatic = length else { return }
        if isPlain {
            plainSeconds.add(seconds, fading: 0.9)
        } else {
            // A few wrong guesses in a row must not end the turns.
            turnSeconds.add(seconds, fading: 0.97)
        }
        if trial.left > 0 {
            trial.left -= 1
            // After the first plain tokens come the first turns.
            if trial.left == 0, turnSeconds.weight == 0 { trial = (false, Self.turnTrial) }
            if trial.left == 0 { noteChoice() }
        } else {
            sinceTrial += 1
            if sinceTrial >= patience {
                sinceTrial = 0
                let isPlainTried = !isPlainFaster
                trial = (isPlainTried, isPlainTried ? Self.plainTrial : Self.turnTrial)
            }
        }
        plan()
    }

    private mutating func noteChoice() {
        guard turnSeconds.weight > 0 else { return }
        patience = isPlainFaster == wasPlainFaster ? min(2 * patience, Self.mostPatience) : Self.leastPatience
        wasPlainFaster = isPlainFaster
    }

    /// Finds who guesses best, and how many tokens.
    private mutating func plan() {
        guard case .automatic(let most) = length, trials.count == 2, passes.allSatisfy({ $0.spread > 0 })
        else {
            return
        }
        var best = 0.0
        for leaf in 0..<2 {
            // The formula knows nothing of what passes cost beside computing: a longer guess has to promise more.
            for count in 1...max(most, 1) where rate(leaf, count) > best * (count == 1 ? 1 : Self.advantage) {
                best = rate(leaf, count)
                (lead, leadCount) = (leaf, count)
            }
        }
    }

    /// The share of a member's guesses that are right.
    func acceptance(of leaf: Int) -> Double { min(max(trials[leaf].mean ?? 0, 0), 0.999) }

    /// The tokens a second that a member's guesses promise.
    private func rate(_ leaf: Int, _ count: Int) -> Double {
        let (own, other) = (acceptance(of: leaf), acceptance(of: 1 - leaf))
        var (tokens, power) = (0.0, 1.0)
        for _ in 0..<count {
            tokens += power
            power *= own
        }
        let single = passes[leaf].value(at: 1)
        let seconds =
            Double(count) * single + passes[1 - leaf].value(at: Double(count + 1)) + power * (1 - other)
            * single
        return (tokens + power) / max(seconds, 1e-12)
    }
}
