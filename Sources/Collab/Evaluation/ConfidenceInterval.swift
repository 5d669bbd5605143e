#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A figure measured on a sample, and where it is expected to lie on all that the sample stands for.
public struct ConfidenceInterval: Hashable, Sendable, Codable {
    /// The figure on the sample.
    public var estimate: Double
    /// The lower end.
    public var lower: Double
    /// The upper end.
    public var upper: Double
    /// How often intervals made in this way hold the true figure, 0…1.
    public var level: Double

    /// Makes an interval of known ends.
    public init(estimate: Double, lower: Double, upper: Double, level: Double = 0.95) {
        self.estimate = estimate
        self.lower = lower
        self.upper = upper
        self.level = level
    }
}

extension ConfidenceInterval {
    /// The interval of a share: how many of several independent trials succeeded.
    ///
    /// E. B. Wilson, *Probable Inference*, 1927: with p = k ∕ n and z the normal quantile, the ends are
    /// (p + z² ∕ 2n ± z √(p (1 − p) ∕ n + z² ∕ 4n²)) ∕ (1 + z² ∕ n). It stays within 0…1 and has a width where all or
    /// none succeeded. Of no trials nothing is known: the estimate is NaN, the interval 0…1.
    public static func share(of successes: Int, in trials: Int, level: Double = 0.95) -> ConfidenceInterval {
        guard trials > 0 else { return ConfidenceInterval(estimate: .nan, lower: 0, upper: 1, level: level) }
        let (count, z) = (Double(trials), normalQuantile((1 + min(max(level, 0), 0.999_999)) / 2))
        let share = Double(successes) / count
        let middle = share + z * z / (2 * count)
        let reach = z * (share * (1 - share) / count + z * z / (4 * count * count)).squareRoot()
        let divisor = 1 + z * z / count
        return ConfidenceInterval(
            estimate: share,
            lower: max(0, (middle - reach) / divisor),
            upper: min(1, (middle + reach) / divisor),
            level: level
        )
    }

    /// The interval of any statistic of a sample, by drawing samples of the same size from it with replacement.
    ///
    /// B. Efron, *Bootstrap Methods*, 1979; the ends are the percentiles of the statistic over the draws. To compare
    /// two figures of the same items, bootstrap their difference: the statistic gets the places of the drawn items.
    ///
    /// - Parameters:
    ///   - count: how many items the sample has.
    ///   - resamples: how many samples are drawn.
    ///   - level: the share of the draws between the ends.
    ///   - seed: where the random numbers begin; the same seed gives the same interval.
    ///   - statistic: the figure of the items at some places, which may occur several times.
    public static func bootstrap(
        count: Int,
        resamples: Int = 1000,
        level: Double = 0.95,
        seed: UInt64 = 0,
        _ statistic: (_ places: [Int]) -> Double
    ) -> ConfidenceInterval {
        let estimate = statistic(Array(0..<max(0, count)))
        guard count > 1, resamples > 0 else {
            return ConfidenceInterval(estimate: estimate, lower: estimate, upper: estimate, level: level)
        }
        var generator = SeededGenerator(seed: seed)
        var places = [Int](repeating: 0, count: count)
        var values: [Double] = []
        values.reserveCapacity(resamples)
        for _ in 0..<resamples {
            for index in places.indices { places[index] = Int.random(in: 0..<count, using: &generator) }
            values.append(statistic(places))
        }
        values.sort()
        let outside = (1 - level) / 2
        func quantile(_ share: Double) -> Double {
            let place = share * Double(values.count - 1)
            let lower = min(max(0, Int(place)), values.count - 1)
            let upper = min(lower + 1, values.count - 1)
            return values[lower] + (place - Double(lower)) * (values[upper] - values[lower])
        }
        return ConfidenceInterval(
            estimate: estimate,
            lower: quantile(outside),
            upper: quantile(1 - outside),
            level: level
        )
    }

    /// The point below which a standard normal variable lies with a probability.
    ///
    /// By halving the interval on the error function, to the last bits; exact enough for any level.
    private static func normalQuantile(_ probability: Double) -> Double {
        var (low, high) = (-9.0, 9.0)
        for _ in 0..<80 {
            let middle = (low + high) / 2
            if normalShare(below: middle) < probability { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    private static func normalShare(below value: Double) -> Double {
        erfc(-value / 2.0.squareRoot()) / 2
    }
}
