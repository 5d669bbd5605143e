#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Exact bounds for the probability of an event that was seen so many times (Clopper and Pearson 1934).
public enum BinomialBound {
    /// The smallest probability that is refuted from above: with probability 1 − `delta` or more, the true one is no
    /// higher.
    ///
    /// The quantile 1 − δ of the beta distribution with the parameters events + 1 and trials − events.
    ///
    /// - Parameters:
    ///   - events: how often it happened.
    ///   - trials: how often it could have happened; 0 gives 1.
    ///   - delta: the probability with which the bound may fail, between 0 and 1.
    public static func upper(events: Int, trials: Int, delta: Double) -> Double {
        let events = max(events, 0)
        guard trials > events, delta > 0 else { return 1 }
        guard delta < 1 else { return 0 }
        return betaQuantile(1 - delta, Double(events + 1), Double(trials - events))
    }

    /// The largest probability that is refuted from below: with probability 1 − `delta` or more, the true one is no
    /// lower.
    public static func lower(events: Int, trials: Int, delta: Double) -> Double {
        guard events > 0, trials > 0, delta > 0 else { return 0 }
        return 1 - upper(events: max(trials - events, 0), trials: trials, delta: delta)
    }

    /// The interval that holds the true probability with probability 1 − `delta` or more.
    public static func interval(events: Int, trials: Int, delta: Double) -> ClosedRange<Double> {
        let low = lower(events: events, trials: trials, delta: delta / 2)
        return low...max(low, upper(events: events, trials: trials, delta: delta / 2))
    }

    /// The point below which a beta distribution has a given mass, by bisection: sure, and quick enough.
    private static func betaQuantile(_ mass: Double, _ a: Double, _ b: Double) -> Double {
        var (low, high) = (0.0, 1.0)
        for _ in 0..<200 where high - low > 1e-15 * high {
            let middle = (low + high) / 2
            if betaMass(below: middle, a, b) < mass { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    /// The regularised incomplete beta function, by its continued fraction (Abramowitz and Stegun 26.5.8).
    static func betaMass(below x: Double, _ a: Double, _ b: Double) -> Double {
        if x <= 0 { return 0 }
        if x >= 1 { return 1 }
        // The fraction converges quickly on one side of the mean, and the other side is its mirror image.
        if x > (a + 1) / (a + b + 2) { return 1 - betaMass(below: 1 - x, b, a) }
        let front = a * log(x) + b * log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b)
        let tiny = 1e-300
        func away(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
        var c = 1.0
        var d = 1 / away(1 - (a + b) * x / (a + 1))
        var fraction = d
        for step in 1...10_000 {
            let m = Double(step)
            let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            d = 1 / away(1 + even * d)
            c = away(1 + even / c)
            fraction *= d * c
            let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
            d = 1 / away(1 + odd * d)
            c = away(1 + odd / c)
            let change = d * c
            fraction *= change
            if abs(change - 1) < 1e-16 { break }
        }
        return exp(front) * fraction / a
    }

    /// log Γ(x) for x > 0, by Stirling's series above 15 (Abramowitz and Stegun 6.1.41) and recursion below.
    private static func logGamma(_ x: Double) -> Double {
        var (x, shift) = (x, 0.0)
        while x < 15 {
            shift -= log(x)
            x += 1
        }
        let (inverse, square) = (1 / x, 1 / (x * x))
        let series =
            inverse
            * (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1260 - square * (1.0 / 1680 - square / 1188))))
        return shift + (x - 0.5) * log(x) - x + 0.5 * log(2 * Double.pi) + series
    }
}
