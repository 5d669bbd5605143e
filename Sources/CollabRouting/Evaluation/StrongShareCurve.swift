public import Collab

/// How good two models are together, by the share of questions that go to the stronger one.
///
/// A router scores each question by how much the strong model is expected to gain over the weak one; the questions of
/// the highest scores go to the strong model. Questions of equal score are taken in random order: every figure is the
/// expectation over such orders. The figures are RouteLLM's (Ong et al., arXiv 2406.18665).
public struct StrongShareCurve: Hashable, Sendable {
    /// How a curve is read.
    public enum Grid: Hashable, Sendable {
        /// At every number of strong calls.
        case exact
        /// At eleven numbers of strong calls, as RouteLLM's evaluation does: the tenths of the scores' quantiles.
        case tenths
    }

    /// How many questions there are.
    public let count: Int
    /// The mean quality if the weak model answers everything.
    public let weakQuality: Double
    /// The mean quality if the strong model answers everything.
    public let strongQuality: Double
    /// The mean quality when 0, 1, … all of the questions go to the strong model.
    public let qualities: [Double]

    /// Makes the curve of one scoring.
    ///
    /// - Parameters:
    ///   - scores: the higher, the sooner a question goes to the strong model; NaN goes last.
    ///   - weak: the weak model's quality on each question.
    ///   - strong: the strong model's; all three have the same length.
    public init(scores: [Double], weak: [Double], strong: [Double]) {
        self.init(RankedQuestions(scores: scores, weak: weak, strong: strong))
    }

    init(_ ranked: RankedQuestions, occurrences: [Int]? = nil) {
        var weakSum = 0.0, strongSum = 0.0, total = 0
        var steps: [(count: Int, gain: Double)] = []
        for group in ranked.groups {
            var count = 0, gain = 0.0
            for place in group {
                let times = occurrences?[ranked.order[place]] ?? 1
                count += times
                weakSum += Double(times) * ranked.weak[place]
                strongSum += Double(times) * ranked.strong[place]
                gain += Double(times) * (ranked.strong[place] - ranked.weak[place])
            }
            total += count
            if count > 0 { steps.append((count, gain)) }
        }
        count = total
        let divisor = Double(max(total, 1))
        weakQuality = weakSum / divisor
        strongQuality = strongSum / divisor
        var qualities: [Double] = [weakSum / divisor]
        qualities.reserveCapacity(total + 1)
        var sum = weakSum
        for step in steps {
            for taken in 1...step.count {
                qualities.append((sum + step.gain * Double(taken) / Double(step.count)) / divisor)
            }
            sum += step.gain
        }
        self.qualities = qualities
    }

    /// The numbers of strong calls at which a grid reads the curve, ascending.
    public func strongCounts(_ grid: Grid) -> [Int] {
        switch grid {
        case .exact: Array(0...count)
        case .tenths:
            // The k-th tenth of linear quantiles lies at k (n − 1) ∕ 10 of the ascending scores; what is there or
            // above goes to the strong model. The last edge is strict, so that nothing does.
            count == 0
                ? [0] : [0] + (0...9).reversed().map { count - ($0 * (count - 1) + 9) / 10 }
        }
    }

    /// How much of the gap between the models is recovered, averaged over all shares of strong calls: the area between
    /// curve and weak model, by trapezoids, over the gap. 0.5 by chance; NaN where the models are equally good.
    public func averageGapRecovered(_ grid: Grid = .exact) -> Double {
        let counts = strongCounts(grid)
        var area = 0.0
        for (low, high) in zip(counts, counts.dropFirst()) {
            area += (qualities[low] + qualities[high]) / 2 * Double(high - low)
        }
        return (area / Double(max(count, 1)) - weakQuality) / (strongQuality - weakQuality)
    }

    /// The smallest share of strong calls, 0…1, that recovers a share of the gap: CPT(50 %) is that of 0.5.
    ///
    /// On the exact grid the first number of calls that recovers more (or, where none does, as much); on the tenths,
    /// interpolated between two of them. `nil` if nothing is enough.
    public func strongShare(recovering share: Double, _ grid: Grid = .exact) -> Double? {
        let gap = strongQuality - weakQuality
        let target = weakQuality + share * gap
        let counts = strongCounts(grid)
        // Sums of binary fractions may miss a target that they meet.
        let slack = 1e-12 * max(1, abs(target))
        func surplus(_ place: Int) -> Double {
            let value = qualities[counts[place]] - target
            return gap < 0 ? -value : value
        }
        guard
            let place = counts.indices.first(where: { surplus($0) > slack })
                ?? counts.indices.first(where: { surplus($0) >= -slack })
        else { return nil }
        let here = Double(counts[place]) / Double(max(count, 1))
        guard grid == .tenths, place > 0 else { return here }
        let before = Double(counts[place - 1]) / Double(count)
        let (low, high) = (qualities[counts[place - 1]], qualities[counts[place]])
        return high == low ? here : before + (here - before) * (target - low) / (high - low)
    }
}

/// Questions in the order in which they go to the strong model, those of equal score together.
struct RankedQuestions: Sendable {
    /// The places of the questions, highest score first.
    let order: [Int]
    /// Ranges of `order` whose scores are equal.
    let groups: [Range<Int>]
    /// The qualities in that order.
    let weak: [Double]
    let strong: [Double]

    init(scores: [Double], weak: [Double], strong: [Double]) {
        precondition(scores.count == weak.count && weak.count == strong.count)
        let keys = scores.map { $0.isNaN ? -Double.infinity : $0 }
        let order = keys.indices.sorted { (keys[$1], $0) < (keys[$0], $1) }
        var groups: [Range<Int>] = []
        var start = 0
        for place in order.indices.dropFirst() where keys[order[place]] != keys[order[start]] {
            groups.append(start..<place)
            start = place
        }
        if !order.isEmpty { groups.append(start..<order.count) }
        self.order = order
        self.groups = groups
        self.weak = order.map { weak[$0] }
        self.strong = order.map { strong[$0] }
    }
}

extension StrongShareCurve {
    /// The figures of RouteLLM's tables, each with the interval in which it would lie on other questions of the kind.
    public struct Figures: Hashable, Sendable {
        /// Average performance gap recovered.
        public var averageGapRecovered: ConfidenceInterval
        /// The share of strong calls that recovers half of the gap, 0…1; NaN where nothing does.
        public var shareForHalf: ConfidenceInterval
        /// The share of strong calls that recovers four fifths of the gap, 0…1.
        public var shareForFourFifths: ConfidenceInterval
    }

    /// Measures a scoring and draws its questions again for the intervals.
    public static func figures(
        scores: [Double],
        weak: [Double],
        strong: [Double],
        grid: Grid = .tenths,
        resamples: Int = 1000,
        level: Double = 0.95,
        seed: UInt64 = 0
    ) -> Figures {
        let ranked = RankedQuestions(scores: scores, weak: weak, strong: strong)
        func interval(_ statistic: (StrongShareCurve) -> Double) -> ConfidenceInterval {
            ConfidenceInterval.bootstrap(
                count: scores.count,
                resamples: resamples,
                level: level,
                seed: seed
            ) { places in
                var occurrences = [Int](repeating: 0, count: scores.count)
                for place in places { occurrences[place] += 1 }
                return statistic(StrongShareCurve(ranked, occurrences: occurrences))
            }
        }
        return Figures(
            averageGapRecovered: interval { $0.averageGapRecovered(grid) },
            shareForHalf: interval { $0.strongShare(recovering: 0.5, grid) ?? .nan },
            shareForFourFifths: interval { $0.strongShare(recovering: 0.8, grid) ?? .nan }
        )
    }

    /// Where the figure of a router that knows nothing lies: mean and the middle share of random scorings.
    public static func randomBand(
        weak: [Double],
        strong: [Double],
        grid: Grid = .tenths,
        draws: Int = 200,
        level: Double = 0.95,
        seed: UInt64 = 0
    ) -> ConfidenceInterval {
        var generator = SeededGenerator(seed: seed)
        var found: [Double] = []
        for _ in 0..<max(draws, 1) {
            let scores = weak.map { _ in generator.nextUnit() }
            found.append(
                StrongShareCurve(scores: scores, weak: weak, strong: strong).averageGapRecovered(grid)
            )
        }
        found.sort()
        let outside = Double(found.count - 1) * (1 - level) / 2
        return ConfidenceInterval(
            estimate: found.reduce(0, +) / Double(found.count),
            lower: found[Int(outside.rounded(.down))],
            upper: found[found.count - 1 - Int(outside.rounded(.down))],
            level: level
        )
    }

    /// The curve of an oracle: it knows on which questions the strong model gains.
    public static func oracle(weak: [Double], strong: [Double]) -> StrongShareCurve {
        StrongShareCurve(scores: zip(weak, strong).map { $1 - $0 }, weak: weak, strong: strong)
    }
}
