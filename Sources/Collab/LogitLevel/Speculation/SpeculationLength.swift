/// How many tokens are guessed before they are checked.
public enum SpeculationLength: Hashable, Sendable {
    /// So many each time.
    case fixed(Int)
    /// As many, up to a limit, as promise the most tokens a second by what guesses and checks have cost and by how many
    /// guesses were right; none if plain decoding is faster.
    case automatic(upTo: Int = 8)

    /// Throws ``CollabError/Code/invalidRequest`` for a negative number.
    func validate() throws(CollabError) {
        let count =
            switch self {
            case .fixed(let count): count
            case .automatic(let most): most
            }
        guard count < 0 else { return }
        throw CollabError(.invalidRequest, "\(count) tokens cannot be guessed ahead; 0 is plain decoding.")
    }
}

/// Chooses how many tokens to guess.
///
/// With the probability a that a guess is right, γ guesses of p seconds each and a pass of c(γ + 1) seconds that checks
/// them give (1 − a^(γ+1)) / (1 − a) tokens, the one after the last right guess included (Y. Leviathan et al., *Fast
/// Inference from Transformers via Speculative Decoding*, 2023). c is taken to be linear in the tokens of a pass; all
/// measurements fade, so that the choice follows the text.
struct SpeculationPlanner: Sendable {
    let length: SpeculationLength
    private var trials = Faded(value: 1.4, weight: 2)
    private var secondsPerGuess = Faded()
    private var passes = FadedLine()
    private var plainPasses = 0

    /// How much of an observation is left at the next one.
    private static let fading = 0.95
    /// After so many plain passes it is tried again whether guesses are right.
    private static let patience = 32

    init(_ length: SpeculationLength) { self.length = length }

    /// The share of guesses that are right.
    var acceptance: Double { min(max(trials.mean ?? 0, 0), 0.999) }

    mutating func noteGuess(isRight: Bool) { trials.add(isRight ? 1 : 0, fading: Self.fading) }

    mutating func noteProposal(of count: Int, seconds: Double) {
        guard count > 0 else { return }
        secondsPerGuess.add(seconds / Double(count), fading: Self.fading)
    }

    mutating func notePass(of count: Int, seconds: Double) {
        passes.add(Double(count), seconds, fading: Self.fading)
    }

    /// How many tokens to guess now.
    mutating func next() -> Int {
        switch length {
        case .fixed(let count): return count
        case .automatic(let most):
            guard most > 0 else { return 0 }
            // One plain pass and one with guesses, to know what each costs.
            guard passes.weight > 0 else { return 0 }
            guard passes.spread > 0, let perGuess = secondsPerGuess.mean else { return min(4, most) }
            let best = (0...most).max { rate($0, perGuess) < rate($1, perGuess) } ?? 0
            plainPasses = best == 0 ? plainPasses + 1 : 0
            if plainPasses > Self.patience {
                plainPasses = 0
                return min(2, most)
            }
            return best
        }
    }

    /// The tokens a second that so many guesses promise.
    private func rate(_ count: Int, _ perGuess: Double) -> Double {
        var (tokens, power) = (1.0, 1.0)
        for _ in 0..<count {
            power *= acceptance
            tokens += power
        }
        return tokens / max(Double(count) * perGuess + passes.value(at: Double(count + 1)), 1e-12)
    }
}

/// A mean in which older values count less.
struct Faded: Sendable {
    var value = 0.0
    var weight = 0.0

    var mean: Double? { weight > 0 ? value / weight : nil }

    mutating func add(_ new: Double, fading: Double) {
        value = value * fading + new
        weight = weight * fading + 1
    }
}

/// A line through points of which older ones count less (least squares).
struct FadedLine: Sendable {
    private(set) var weight = 0.0
    private var (x, y, xx, xy) = (0.0, 0.0, 0.0, 0.0)

    mutating func add(_ newX: Double, _ newY: Double, fading: Double) {
        weight = weight * fading + 1
        x = x * fading + newX
        y = y * fading + newY
        xx = xx * fading + newX * newX
        xy = xy * fading + newX * newY
    }

    /// The variance of the places; 0 if all are one.
    var spread: Double {
        guard weight > 0 else { return 0 }
        let variance = xx / weight - (x / weight) * (x / weight)
        return variance > 1e-9 ? variance : 0
    }

    func value(at place: Double) -> Double {
        guard weight > 0 else { return 0 }
        let (meanX, meanY) = (x / weight, y / weight)
        guard spread > 0 else { return meanY }
        // More tokens never cost less.
        let slope = max((xy / weight - meanX * meanY) / spread, 0)
        return max(meanY + slope * (place - meanX), 0)
    }
}
