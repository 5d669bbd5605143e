/// What quality several models reach together, by what it costs.
///
/// Any two settings can be mixed by chance, so whatever lies under a line between two points is reached too: the
/// curve is the concave hull of its points, and it never falls, as nobody has to spend more. RouterBench (Hu et al.,
/// arXiv 2403.12031) defines both figures here.
public struct CostQualityCurve: Hashable, Sendable {
    /// A setting: what an answer costs on average, and how good it is.
    public struct Point: Hashable, Sendable, Codable {
        /// The mean cost of an answer.
        public var cost: Double
        /// The mean quality of an answer.
        public var quality: Double

        /// Makes a point.
        public init(cost: Double, quality: Double) {
            self.cost = cost
            self.quality = quality
        }
    }

    /// The points as measured, by cost.
    public let points: [Point]
    /// The corners of the non-decreasing concave hull, by cost.
    public let hull: [Point]

    /// Makes the curve of settings; points that are not finite are left out.
    public init(_ points: [Point]) {
        self.points = points.filter { $0.cost.isFinite && $0.quality.isFinite }
            .sorted { ($0.cost, -$0.quality) < ($1.cost, -$1.quality) }
        var hull: [Point] = []
        for point in self.points {
            if let last = hull.last, point.quality <= last.quality || point.cost == last.cost { continue }
            while hull.count > 1 {
                let (a, b) = (hull[hull.count - 2], hull[hull.count - 1])
                let before = (b.quality - a.quality) * (point.cost - b.cost)
                let after = (point.quality - b.quality) * (b.cost - a.cost)
                if after < before { break }
                hull.removeLast()
            }
            hull.append(point)
        }
        self.hull = hull
    }

    /// The highest quality for a mean cost; `nil` below the cheapest setting.
    public func quality(at cost: Double) -> Double? {
        guard let first = hull.first, let last = hull.last, cost >= first.cost else { return nil }
        if cost >= last.cost { return last.quality }
        let place = hull.lastIndex { $0.cost <= cost } ?? 0
        let (a, b) = (hull[place], hull[place + 1])
        return a.quality + (b.quality - a.quality) * (cost - a.cost) / (b.cost - a.cost)
    }

    /// The mean quality over all costs of a range: AIQ, the average improvement in quality. NaN if the range is empty
    /// or begins below the cheapest setting.
    ///
    /// The hull is integrated exactly, corner by corner. Compare curves over the same range.
    public func averageQuality(over range: ClosedRange<Double>) -> Double {
        guard range.upperBound > range.lowerBound, let low = quality(at: range.lowerBound),
            let high = quality(at: range.upperBound)
        else { return .nan }
        let inner = hull.filter { $0.cost > range.lowerBound && $0.cost < range.upperBound }
        let corners =
            [Point(cost: range.lowerBound, quality: low)] + inner
            + [Point(cost: range.upperBound, quality: high)]
        var area = 0.0
        for (a, b) in zip(corners, corners.dropFirst()) {
            area += (a.quality + b.quality) / 2 * (b.cost - a.cost)
        }
        return area / (range.upperBound - range.lowerBound)
    }

    /// The curve of RouterBench's zero router, which looks at no question: it mixes single models by chance. A router
    /// that is not above it has learned nothing.
    ///
    /// - Parameters:
    ///   - qualities: each model's quality on each question.
    ///   - costs: each model's cost of an answer.
    public static func zeroRouter(qualities: Table, costs: [Double]) -> CostQualityCurve {
        CostQualityCurve(
            costs.indices.map { model in
                let column = qualities.column(model).filter { !$0.isNaN }
                let sum = column.reduce(0.0) { $0 + Double($1) }
                return Point(cost: costs[model], quality: column.isEmpty ? .nan : sum / Double(column.count))
            }
        )
    }
}
