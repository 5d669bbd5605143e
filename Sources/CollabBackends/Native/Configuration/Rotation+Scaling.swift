#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// The ways in which models stretch their rotary positions, as divisors of the frequencies.
extension TransformerConfiguration.Rotation {
    /// Llama 3.1's: slow pairs turn `factor` times slower, fast ones as they did, those between by a blend.
    ///
    /// A pair is slow if it turns fewer than `low` times in `originalContext` positions, and fast if more than `high`.
    /// Source: *The Llama 3 Herd of Models*, arXiv 2407.21783.
    mutating func stretchLikeLlama3(
        factor: Double,
        low: Double,
        high: Double,
        originalContext: Int,
        dimension: Int
    ) {
        divisors = Self.frequencies(base: base, dimension: dimension).map { frequency in
            let turns = Double(originalContext) * frequency / (2 * Double.pi)
            if turns > high { return 1 }
            if turns < low { return factor }
            let kept = (turns - low) / (high - low)
            return 1 / ((1 - kept) / factor + kept)
        }
    }

    /// YaRN's: the pairs between `slow` and `fast` turns in `originalContext` positions go over from the stretched to
    /// the plain frequency on a straight line over their indices.
    ///
    /// - Parameter truncates: whether the line begins and ends at whole indices.
    ///
    /// Source: *YaRN: Efficient Context Window Extension of Large Language Models*, arXiv 2309.00071.
    mutating func stretchByYarn(
        factor: Double,
        fast: Double = 32,
        slow: Double = 1,
        originalContext: Int,
        dimension: Int,
        truncates: Bool = true
    ) {
        func index(turning turns: Double) -> Double {
            Double(dimension) * log(Double(originalContext) / (turns * 2 * Double.pi)) / (2 * log(base))
        }
        var first = index(turning: fast)
        var last = index(turning: slow)
        if truncates {
            first.round(.down)
            last.round(.up)
        }
        first = max(first, 0)
        last = min(last, Double(dimension - 1))
        if first == last { last += 0.001 }
        divisors = (0..<dimension / 2).map { pair in
            let stretched = min(max((Double(pair) - first) / (last - first), 0), 1)
            return 1 / (stretched / factor + (1 - stretched))
        }
    }

    /// YaRN's factor of the rotated vectors: 0.1 · `weight` · ln(`factor`) + 1 for factors above 1.
    static func yarnMagnitude(factor: Double, weight: Double = 1) -> Double {
        factor <= 1 ? 1 : 0.1 * weight * log(factor) + 1
    }

    /// LongRoPE's factor of the rotated vectors: √(1 + ln(`factor`) / ln(`originalContext`)) for factors above 1.
    ///
    /// Source: *LongRoPE: Extending LLM Context Window Beyond 2 Million Tokens*, arXiv 2402.13753.
    static func longRopeMagnitude(factor: Double, originalContext: Int) -> Double {
        factor <= 1 ? 1 : (1 + log(factor) / log(Double(originalContext))).squareRoot()
    }

    /// The angle of each pair at position 1, before any stretching: θ^(−2i / dimension).
    static func frequencies(base: Double, dimension: Int) -> [Double] {
        (0..<dimension / 2).map { pow(base, -2 * Double($0) / Double(dimension)) }
    }
}
