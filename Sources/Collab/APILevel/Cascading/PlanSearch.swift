/// Finds the best ordered list and thresholds.
///
/// Scores become ranks on a grid of quantiles, so that the sums over all questions that pass or do not pass a pair of
/// thresholds come from one table of prefix sums.
struct PlanSearch {
    private let records: [CascadePlan.Record]
    private let count: Int
    private let budget: Double
    /// For each member the ascending thresholds.
    private let grid: [[Double]]
    /// For each member and question how many thresholds lie below its score: it passes those.
    private let rank: [[Int]]

    init(_ records: [CascadePlan.Record], count: Int, thresholds: Int, budget: Double) {
        self.records = records
        self.count = count
        self.budget = budget
        grid = records.map { record in
            let sorted = record.scores.sorted()
            var values: [Double] = []
            for step in 1...thresholds {
                let value = sorted[min(count * step / (thresholds + 1), count - 1)]
                if value != values.last { values.append(value) }
            }
            return values
        }
        rank = zip(records, grid).map { record, grid in
            record.scores.map { score in grid.prefix { score > $0 }.count }
        }
    }

    private struct Candidate {
        var members: [Int]
        var thresholds: [Int]
        var quality: Double
        var cost: Double
    }

    func best(depth: Int) -> CascadePlan? {
        var best: Candidate?
        func consider(_ candidate: Candidate) {
            guard candidate.cost / Double(count) <= budget * (1 + 1e-12) else { return }
            if let best {
                let isBetter = candidate.quality > best.quality + 1e-9
                let isCheaper = candidate.quality > best.quality - 1e-9 && candidate.cost < best.cost
                guard isBetter || isCheaper else { return }
            }
            best = candidate
        }
        for first in records.indices {
            consider(
                Candidate(
                    members: [first],
                    thresholds: [],
                    quality: sum(\.qualities, first),
                    cost: sum(\.costs, first)
                )
            )
            guard depth > 1 else { continue }
            for second in records.indices where second != first {
                pairs(first, second, consider)
                guard depth > 2 else { continue }
                for third in records.indices where third != first && third != second {
                    triples(first, second, third, consider)
                }
            }
        }
        return best.map { best in
            let steps = best.members.enumerated().map { place, member in
                CascadePlan.Step(
                    member: records[member].member,
                    threshold: best.thresholds.indices.contains(place)
                        ? grid[member][best.thresholds[place]] : nil
                )
            }
            return CascadePlan(
                steps: steps,
                quality: best.quality / Double(count),
                cost: best.cost / Double(count)
            )
        }
    }

    private func sum(_ values: KeyPath<CascadePlan.Record, [Double]>, _ member: Int) -> Double {
        records[member][keyPath: values].reduce(0, +)
    }

    private func pairs(_ first: Int, _ second: Int, _ consider: (Candidate) -> Void) {
        let (a, b) = (records[first], records[second])
        // By rank: what is gained by accepting the first answer, and what the second one costs.
        var gain = [Double](repeating: 0, count: grid[first].count + 1)
        var price = gain
        for item in 0..<count {
            gain[rank[first][item]] += a.qualities[item] - b.qualities[item]
            price[rank[first][item]] += b.costs[item]
        }
        let (quality, cost) = (sum(\.qualities, second), sum(\.costs, first))
        // Threshold t is passed by ranks above t.
        var accepted = gain.reduce(0, +)
        var deferred = 0.0
        for threshold in grid[first].indices {
            accepted -= gain[threshold]
            deferred += price[threshold]
            consider(
                Candidate(
                    members: [first, second],
                    thresholds: [threshold],
                    quality: quality + accepted,
                    cost: cost + deferred
                )
            )
        }
    }

    private func triples(_ first: Int, _ second: Int, _ third: Int, _ consider: (Candidate) -> Void) {
        let (a, b, c) = (records[first], records[second], records[third])
        let (rows, columns) = (grid[first].count, grid[second].count)
        let width = columns + 1
        // Of the questions that the first passes on, by the ranks at the first and the second: what accepting the
        // second answer gains over the third, and what the third costs.
        var gain = [Double](repeating: 0, count: (rows + 1) * width)
        var price = gain
        var firstGain = [Double](repeating: 0, count: rows + 1)
        var secondPrice = firstGain
        for item in 0..<count {
            let place = rank[first][item] * width + rank[second][item]
            gain[place] += b.qualities[item] - c.qualities[item]
            price[place] += c.costs[item]
            firstGain[rank[first][item]] += a.qualities[item] - c.qualities[item]
            secondPrice[rank[first][item]] += b.costs[item]
        }
        let (quality, cost) = (sum(\.qualities, third), sum(\.costs, first))
        var (acceptedFirst, askedSecond) = (firstGain.reduce(0, +), 0.0)
        var (gains, prices) = ([Double](repeating: 0, count: width), [Double](repeating: 0, count: width))
        for row in 0..<rows {
            acceptedFirst -= firstGain[row]
            askedSecond += secondPrice[row]
            for column in 0..<width {
                gains[column] += gain[row * width + column]
                prices[column] += price[row * width + column]
            }
            var acceptedSecond = gains.reduce(0, +)
            var askedThird = 0.0
            for column in 0..<columns {
                acceptedSecond -= gains[column]
                askedThird += prices[column]
                consider(
                    Candidate(
                        members: [first, second, third],
                        thresholds: [row, column],
                        quality: quality + acceptedFirst + acceptedSecond,
                        cost: cost + askedSecond + askedThird
                    )
                )
            }
        }
    }
}
