#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// When a small model leaves a token to a large one (Narasimhan et al. 2025, “Faster cascades via speculative
/// decoding”), with q and p the small and the large model's next-token probabilities.
public enum TokenDeferral: Hashable, Sendable, Codable, CustomStringConvertible {
    /// max q < 1 − α: the small model is not sure. It needs nothing of the large model, which is asked for the deferred
    /// tokens alone.
    case chow(Double)
    /// max q < max p − α: the large model is surer by more than α.
    case difference(Double)
    /// max q < max p − α · D(p, q), with the total variation distance D: the rule that is optimal for the cost of
    /// rejected tokens.
    case optimal(Double)
    /// Token by token: those of p(v) < (1 − α) · max p are left to the large model, the others stay with the small one.
    case unlikelyTokens(Double)

    /// The rule in a few words.
    public var description: String {
        switch self {
        case .chow(let alpha): "the small model is less sure than \(1 - alpha)"
        case .difference(let alpha): "the large model is surer by \(alpha)"
        case .optimal(let alpha): "the large model is surer by \(alpha) of their distance"
        case .unlikelyTokens(let alpha): "the large model finds the token unlikely (α \(alpha))"
        }
    }

    /// Whether the rule looks at the large model.
    var needsBoth: Bool { if case .chow = self { false } else { true } }

    /// Whether a token is left to the large model, by the small one's probabilities alone.
    func defers(small: [Double]) -> Bool {
        if case .chow(let alpha) = self { return (small.max() ?? 0) < 1 - alpha }
        return true
    }

    /// The distribution from which the cascade writes, and how much of it is the large model's: 0, 1, or between.
    func target(small q: [Double], large p: [Double]) -> (distribution: [Double], deferred: Double) {
        let (sureness, other) = (q.max() ?? 0, p.max() ?? 0)
        switch self {
        case .chow(let alpha): return sureness < 1 - alpha ? (p, 1) : (q, 0)
        case .difference(let alpha): return sureness < other - alpha ? (p, 1) : (q, 0)
        case .optimal(let alpha):
            let distance = zip(p, q).reduce(0) { $0 + abs($1.0 - $1.1) } / 2
            return sureness < other - alpha * distance ? (p, 1) : (q, 0)
        case .unlikelyTokens(let alpha):
            let least = (1 - alpha) * other
            let left = zip(p, q).reduce(0) { $1.0 < least ? $0 + $1.1 : $0 }
            return (zip(p, q).map { large, small in (large < least ? 0 : small) + large * left }, left)
        }
    }
}

extension Logits {
    /// The probabilities, in double precision.
    var probabilities: [Double] {
        let highest = Double(values.max() ?? 0)
        let powers = values.map { exp(Double($0) - highest) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    /// Logarithms of probabilities.
    init(probabilities: [Double]) {
        self.init(probabilities.map { Float(log($0)) })
    }
}
