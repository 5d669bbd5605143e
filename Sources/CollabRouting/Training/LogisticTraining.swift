public import Collab
import CollabKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Logistic regression, a model at a time: argmin Σ BCE(y, σ(w·x + b)) + λ ∕ 2 |w|², the intercept b free.
///
/// Targets are soft: any score between 0 and 1. λ is 1 ∕ C of other libraries. The minimum is found by L-BFGS
/// (D. Liu, J. Nocedal, 1989) with a memory of ten steps and backtracking.
public struct LogisticTraining: RouterTraining {
    /// The weight λ of the penalty.
    public var penalty: Double

    /// Makes a training.
    public init(penalty: Double = 1) {
        self.penalty = penalty
    }

    /// What the method and its settings are.
    public var name: String { "logistic, λ = \(penalty)" }

    /// Learns.
    public func train(
        on set: TrainingSet,
        seed: UInt64,
        progress: (Double) -> Void
    ) throws(CollabError) -> any QualityEstimator {
        guard penalty > 0, penalty.isFinite else {
            throw CollabError(.invalidRequest, "Logistic regression needs a penalty above 0, not \(penalty).")
        }
        if case .dense = set.features { _ = try set.features.dense(for: "Logistic regression") }
        let scores = set.knownScores
        let width = set.features.dimension
        var weights = Table(rows: set.models.count, columns: width)
        var intercepts = [Float](repeating: 0, count: set.models.count)
        for model in set.models.indices {
            let places = (0..<set.count).filter { !scores[$0, model].isNaN }
            guard !places.isEmpty else { continue }
            let rows = places.count == set.count ? set.features : set.features.selecting(places)
            let targets = places.map { min(max(scores[$0, model], 0), 1) }
            // The intercept is the last unknown.
            let solution = try LimitedMemoryMinimizer.minimize(
                from: [Float](repeating: 0, count: width + 1)
            ) { point in
                Self.loss(rows, targets, point, penalty)
            }
            weights.values.replaceSubrange(model * width..<(model + 1) * width, with: solution[..<width])
            intercepts[model] = solution[width]
            progress(Double(model + 1) / Double(set.models.count))
        }
        return LinearEstimator(weights: weights, intercepts: intercepts, isLogistic: true)
    }

    private static func loss(
        _ rows: FeatureTable,
        _ targets: [Float],
        _ point: [Float],
        _ penalty: Double
    ) -> (value: Double, slope: [Float]) {
        let width = point.count - 1
        var sums = [Float](repeating: 0, count: targets.count)
        var slope = [Float](repeating: 0, count: point.count)
        switch rows {
        case .dense(let table):
            LinearAlgebra.product(
                rows: table.rows,
                columns: width,
                of: table.values,
                with: point,
                into: &sums
            )
        case .sparse(let vectors, _):
            for (row, vector) in vectors.enumerated() {
                for place in vector.indices.indices {
                    sums[row] += vector.values[place] * point[Int(vector.indices[place])]
                }
            }
        }
        var value = 0.0
        var residuals = sums
        for row in sums.indices {
            let sum = Double(sums[row] + point[width])
            // log(1 + eˢ) − y s, without overflow.
            value += max(sum, 0) + log1p(exp(-abs(sum))) - Double(targets[row]) * sum
            residuals[row] = Float(1 / (1 + exp(-sum))) - targets[row]
        }
        switch rows {
        case .dense(let table):
            LinearAlgebra.product(
                .transposed,
                rows: table.rows,
                columns: width,
                of: table.values,
                with: residuals,
                into: &slope
            )
        case .sparse(let vectors, _):
            for (row, vector) in vectors.enumerated() {
                for place in vector.indices.indices {
                    slope[Int(vector.indices[place])] += residuals[row] * vector.values[place]
                }
            }
        }
        for place in 0..<width {
            value += penalty / 2 * Double(point[place]) * Double(point[place])
            slope[place] += Float(penalty) * point[place]
        }
        slope[width] = Float(residuals.reduce(0.0) { $0 + Double($1) })
        return (value, slope)
    }
}

/// Minimises a smooth function by L-BFGS.
enum LimitedMemoryMinimizer {
    /// Goes down until the slope is a hundred-thousandth of what it was, or nothing more is gained.
    static func minimize(
        from start: [Float],
        steps: Int = 200,
        memory: Int = 10,
        _ function: ([Float]) -> (value: Double, slope: [Float])
    ) throws(CollabError) -> [Float] {
        var point = start
        var (value, slope) = function(point)
        let goal = 1e-10 * max(dot(slope, slope), 1e-30)
        var pairs: [(step: [Float], change: [Float], product: Double)] = []
        for _ in 0..<steps where dot(slope, slope) > goal {
            try checkCancellation()
            var direction = descent(slope, pairs)
            var fall = dot(direction, slope)
            if fall >= 0 {
                pairs = []
                direction = slope.map { -$0 }
                fall = -dot(slope, slope)
            }
            var length = pairs.isEmpty ? min(1, 1 / (-fall).squareRoot()) : 1.0
            var next = point, found = (value: value, slope: slope)
            var isLower = false
            for _ in 0..<30 {
                for place in point.indices { next[place] = point[place] + Float(length) * direction[place] }
                found = function(next)
                if found.value <= value + 1e-4 * length * fall {
                    isLower = true
                    break
                }
                length /= 2
            }
            guard isLower else { break }
            let step = zip(next, point).map { $0 - $1 }, change = zip(found.slope, slope).map { $0 - $1 }
            let product = dot(step, change)
            if product > 1e-12 * dot(change, change) {
                pairs.append((step, change, product))
                if pairs.count > memory { pairs.removeFirst() }
            }
            (point, value, slope) = (next, found.value, found.slope)
        }
        return point
    }

    /// The two-loop recursion.
    private static func descent(
        _ slope: [Float],
        _ pairs: [(step: [Float], change: [Float], product: Double)]
    ) -> [Float] {
        var direction = slope
        var shares: [Double] = []
        for pair in pairs.reversed() {
            let share = dot(pair.step, direction) / pair.product
            shares.append(share)
            for place in direction.indices { direction[place] -= Float(share) * pair.change[place] }
        }
        if let last = pairs.last {
            let scale = Float(last.product / dot(last.change, last.change))
            for place in direction.indices { direction[place] *= scale }
        }
        for (pair, share) in zip(pairs, shares.reversed()) {
            let rest = share - dot(pair.change, direction) / pair.product
            for place in direction.indices { direction[place] += Float(rest) * pair.step[place] }
        }
        return direction.map { -$0 }
    }

    private static func dot(_ a: [Float], _ b: [Float]) -> Double {
        var sum = 0.0
        for place in a.indices { sum += Double(a[place]) * Double(b[place]) }
        return sum
    }
}

extension RouterTraining where Self == LogisticTraining {
    /// Logistic regression on soft targets; see ``LogisticTraining``.
    public static func logistic(penalty: Double = 1) -> LogisticTraining {
        LogisticTraining(penalty: penalty)
    }
}
