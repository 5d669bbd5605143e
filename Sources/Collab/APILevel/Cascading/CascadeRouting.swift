#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What is expected of a member's answer before it is asked, or known of it afterwards.
public struct QualityEstimate: Hashable, Sendable, Codable {
    /// The expected quality.
    public var mean: Double
    /// How far off the expectation is, as a standard deviation.
    public var deviation: Double

    /// Makes an estimate.
    public init(_ mean: Double, deviation: Double = 0) {
        self.mean = mean
        self.deviation = deviation
    }
}

/// Decides, before the first call and after every answer, whom to ask next or to stop: routing and cascading in one
/// (Dekoninck, Baader and Vechev 2025, “A Unified Approach to Routing and Cascading for LLMs”).
///
/// A set of members is worth the expected quality of the best of their answers less the price of those that have not been
/// asked yet. Whoever is in the most valuable set and has not been asked is asked, the cheapest first; if all in it have
/// been asked, their best answer is the answer. Estimates are taken to be independent and normal.
public struct CascadeRouting: Hashable, Sendable, Codable {
    /// How much quality one unit of cost must bring.
    public var costWeight: Double

    /// Makes a rule.
    public init(costWeight: Double) {
        self.costWeight = costWeight
    }

    /// What to do next.
    public enum Step: Hashable, Sendable {
        /// Ask the member at a place.
        case ask(Int)
        /// Take the answer of the member at a place.
        case answer(Int)
    }

    /// What to do next.
    ///
    /// - Parameters:
    ///   - estimates: what is expected or known of each member; up to 12 are looked at in all combinations, of more the
    ///     12 with the highest means.
    ///   - costs: what asking each one costs.
    ///   - asked: who has been asked.
    public func next(_ estimates: [QualityEstimate], costs: [Double], asked: Set<Int>) -> Step? {
        let places = estimates.indices.filter { costs.indices.contains($0) && !asked.contains($0) }
        let open = Array(places.sorted { estimates[$0].mean > estimates[$1].mean }.prefix(12))
        var best: (value: Double, set: [Int])?
        for mask in 0..<(1 << open.count) {
            let added = open.indices.filter { mask >> $0 & 1 == 1 }.map { open[$0] }
            if asked.isEmpty && added.isEmpty { continue }
            let price = added.reduce(0) { $0 + costs[$1] } * costWeight
            let value = Self.expectedMaximum((asked.sorted() + added).map { estimates[$0] }) - price
            // Of equals the one that asks fewer.
            let isBetter = best.map {
                value > $0.value + 1e-12 || (value > $0.value - 1e-12 && added.count < $0.set.count)
            }
            if isBetter ?? true { best = (value, added) }
        }
        guard let best else { return nil }
        if let next = best.set.min(by: { (costs[$0], $0) < (costs[$1], $1) }) { return .ask(next) }
        return asked.max { (estimates[$0].mean, -$0) < (estimates[$1].mean, -$1) }.map { .answer($0) }
    }

    /// The expected maximum of independent normal variables: ∫ (1 − Π Fᵢ) from below all of them, by Simpson's rule.
    static func expectedMaximum(_ estimates: [QualityEstimate]) -> Double {
        guard let highest = estimates.map(\.mean).max() else { return -.infinity }
        let floor = estimates.filter { $0.deviation <= 0 }.map(\.mean).max() ?? -.infinity
        let open = estimates.filter { $0.deviation > 0 && $0.mean + 8 * $0.deviation > floor }
        if open.isEmpty { return highest }
        let low = max(floor, open.map { $0.mean - 8 * $0.deviation }.max() ?? floor)
        let high = max(low, open.map { $0.mean + 8 * $0.deviation }.max() ?? low)
        func above(_ x: Double) -> Double {
            1 - open.reduce(1) { $0 * 0.5 * erfc(($1.mean - x) / ($1.deviation * 2.squareRoot())) }
        }
        let steps = 256
        let width = (high - low) / Double(steps)
        var sum = above(low) + above(high)
        for step in 1..<steps { sum += above(low + Double(step) * width) * (step % 2 == 1 ? 4 : 2) }
        return low + sum * width / 3
    }
}

extension CascadeRouting {
    /// Recorded questions, to find the weight of cost for a budget.
    public struct Sample: Hashable, Sendable, Codable {
        /// What is expected of each member.
        public var before: [QualityEstimate]
        /// What is known of each member's answer once it is there.
        public var after: [QualityEstimate]
        /// What each member costs.
        public var costs: [Double]
        /// How good each member's answer was.
        public var qualities: [Double]

        /// Makes a sample.
        public init(
            before: [QualityEstimate],
            after: [QualityEstimate],
            costs: [Double],
            qualities: [Double]
        ) {
            self.before = before
            self.after = after
            self.costs = costs
            self.qualities = qualities
        }
    }

    /// What the rule would have come to on recorded questions: the means of quality and cost.
    public func evaluate(on samples: [Sample]) -> (quality: Double, cost: Double) {
        var (quality, cost) = (0.0, 0.0)
        for sample in samples {
            var (estimates, asked) = (sample.before, Set<Int>())
            while let step = next(estimates, costs: sample.costs, asked: asked) {
                switch step {
                case .ask(let place):
                    asked.insert(place)
                    if sample.after.indices.contains(place) { estimates[place] = sample.after[place] }
                    cost += sample.costs[place]
                    continue
                case .answer(let place):
                    if sample.qualities.indices.contains(place) { quality += sample.qualities[place] }
                }
                break
            }
        }
        let count = Double(max(samples.count, 1))
        return (quality / count, cost / count)
    }

    /// The rule whose mean cost on recorded questions stays within a budget, with as small a weight of cost as that
    /// allows, by bisection.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` without samples, or if even the cheapest members cost more.
    public static func fitted(to samples: [Sample], budget: Double) throws(CollabError) -> CascadeRouting {
        func isWithin(_ weight: Double) -> Bool {
            CascadeRouting(costWeight: weight).evaluate(on: samples).cost <= budget
        }
        var high = 1.0
        while high < 1e12, !isWithin(high) { high *= 8 }
        guard !samples.isEmpty, isWithin(high) else {
            throw CollabError(
                .invalidRequest,
                "Even the cheapest members cost more than \(budget) on average."
            )
        }
        if isWithin(0) { return CascadeRouting(costWeight: 0) }
        var low = 0.0
        for _ in 0..<40 {
            let middle = (low + high) / 2
            if isWithin(middle) { high = middle } else { low = middle }
        }
        return CascadeRouting(costWeight: high)
    }
}
