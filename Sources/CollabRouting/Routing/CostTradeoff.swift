public import Collab

/// Weighs quality against cost: the choice is argmax q̂ − λ · c.
///
/// λ is what a unit of cost is worth in quality. ``fitted(qualities:models:costs:meanBudget:)`` finds the one whose mean cost
/// over known questions is a budget. At that λ some questions tie; a share of them goes to the dearer choice, so that
/// the budget is met and not merely kept. Which of them is decided by a hash of the question: the same question always
/// goes the same way.
public struct CostTradeoff: Hashable, Sendable, Codable {
    /// λ: what a unit of cost is worth in quality.
    public var weight: Double
    /// What an answer of each candidate costs on average, in any unit.
    public var costs: [String: Double]
    /// The share of tied questions that go to the dearer choice.
    public var dearShare: Double
    /// How close two candidates have to be to tie.
    public var tolerance: Double

    /// Makes a trade-off.
    public init(weight: Double, costs: [String: Double], dearShare: Double = 0, tolerance: Double = 1e-9) {
        self.weight = weight
        self.costs = costs
        self.dearShare = dearShare
        self.tolerance = tolerance
    }

    /// The place of the chosen candidate; `nil` if none has both a quality and a cost.
    public func choice(_ qualities: [Double?], names: [String], question: String) -> Int? {
        let costs = names.map { self.costs[$0] }
        guard let (cheap, dear) = ties(qualities, costs, weight) else { return nil }
        if cheap == dear { return cheap }
        return Self.chance(of: question) < dearShare ? dear : cheap
    }

    /// The cheapest and the dearest of the best.
    private func ties(_ qualities: [Double?], _ costs: [Double?], _ weight: Double) -> (Int, Int)? {
        var values: [(place: Int, value: Double, cost: Double)] = []
        for (place, (quality, cost)) in zip(qualities, costs).enumerated() {
            guard let quality, let cost, quality.isFinite else { continue }
            values.append((place, quality - weight * cost, cost))
        }
        guard let best = values.map(\.value).max() else { return nil }
        let tied = values.filter { $0.value >= best - tolerance }
        guard let cheap = tied.min(by: { $0.cost < $1.cost }),
            let dear = tied.max(by: { $0.cost < $1.cost })
        else { return nil }
        return (cheap.place, dear.place)
    }

    /// Finds λ for a mean cost.
    ///
    /// - Parameters:
    ///   - qualities: estimates of questions that stand for those to come, one column a model.
    ///   - models: the names of the columns.
    ///   - costs: what an answer of each model costs.
    ///   - meanBudget: the mean cost of an answer.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` if a cost is missing or negative, there are no questions, or the
    /// budget is below the cheapest model.
    public static func fitted(
        qualities: Table,
        models: [String],
        costs: [String: Double],
        meanBudget: Double
    ) throws(CollabError) -> CostTradeoff {
        let known = models.compactMap { costs[$0] }
        guard known.count == models.count, known.allSatisfy({ $0 >= 0 && $0.isFinite }),
            qualities.columns == models.count, qualities.rows > 0, let least = known.min()
        else {
            throw CollabError(
                .invalidRequest,
                "A budget needs estimated questions and what every model costs."
            )
        }
        guard meanBudget >= least else {
            throw CollabError(
                .invalidRequest,
                "No mean cost of \(meanBudget) can be kept: the cheapest model costs \(least)."
            )
        }
        func spent(_ weight: Double, tolerance: Double) -> (cheap: Double, dear: Double) {
            let tradeoff = CostTradeoff(weight: weight, costs: costs, tolerance: tolerance)
            var sums = (cheap: 0.0, dear: 0.0)
            for row in 0..<qualities.rows {
                let values = qualities.row(row).map { Optional(Double($0)) }
                guard let (cheap, dear) = tradeoff.ties(values, known, weight) else { continue }
                sums.cheap += known[cheap]
                sums.dear += known[dear]
            }
            return (sums.cheap / Double(qualities.rows), sums.dear / Double(qualities.rows))
        }
        if spent(0, tolerance: 1e-9).cheap <= meanBudget { return CostTradeoff(weight: 0, costs: costs) }
        var (low, high) = (0.0, 1.0)
        while spent(high, tolerance: 0).cheap > meanBudget, high < 1e12 { high *= 2 }
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if spent(middle, tolerance: 0).cheap > meanBudget { low = middle } else { high = middle }
        }
        let tolerance = 1e-9 * max(1, high)
        let (cheap, dear) = spent(high, tolerance: tolerance)
        let share = dear > cheap ? min(1, max(0, (meanBudget - cheap) / (dear - cheap))) : 0
        return CostTradeoff(weight: high, costs: costs, dearShare: share, tolerance: tolerance)
    }

    /// A number from 0 up to 1 that depends on the text alone.
    private static func chance(of text: String) -> Double {
        var generator = SeededGenerator(seed: SeededGenerator.hash(of: text))
        return generator.nextUnit()
    }
}
