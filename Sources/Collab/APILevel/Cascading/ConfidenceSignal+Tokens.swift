#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension ConfidenceSignal {
    /// How far the most probable token is ahead of the second, p₁ − p₂, on average over the answer. Needs a model that
    /// reports alternatives.
    public static let meanTokenMargin = overMargins("mean margin of the tokens") { margins in
        margins.reduce(0, +) / Double(margins.count)
    }

    /// How far the most probable token is ahead of the second where it is least so.
    public static let minimumTokenMargin = overMargins("minimum margin of the tokens") { margins in
        margins.min() ?? 0
    }

    /// One minus the entropy of the next-token distributions, on average over the answer, as a share of the greatest
    /// possible.
    ///
    /// Servers report the most probable tokens only; the rest of the mass counts as one more token, so with k
    /// alternatives the greatest entropy is log(k + 1), and the value is an upper bound.
    public static func tokenCertainty(alternatives: Int = 5) -> ConfidenceSignal {
        let count = max(alternatives, 2)
        return ConfidenceSignal("certainty of the tokens", alternatives: count) { evidence in
            guard let tokens = evidence.response.tokens, !tokens.isEmpty else { return nil }
            var sum = 0.0
            for token in tokens {
                guard token.alternatives.count >= 2 else { return nil }
                let known = token.alternatives.prefix(count).map { exp($0.logprob) }
                let rest = max(1 - known.reduce(0, +), 0)
                let entropy = (known + [rest]).reduce(0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
                sum += 1 - entropy / log(Double(known.count + 1))
            }
            return min(max(sum / Double(tokens.count), 0), 1)
        }
    }

    private static func overMargins(
        _ description: String,
        _ value: @escaping @Sendable ([Double]) -> Double
    ) -> ConfidenceSignal {
        ConfidenceSignal(description, alternatives: 2) { evidence in
            guard let tokens = evidence.response.tokens, !tokens.isEmpty,
                tokens.allSatisfy({ $0.alternatives.count >= 2 })
            else { return nil }
            return value(tokens.map { exp($0.alternatives[0].logprob) - exp($0.alternatives[1].logprob) })
        }
    }
}
