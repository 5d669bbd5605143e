/// CMA-ES: draws points around a mean, and adapts mean, step and covariance to the better half of them.
///
/// N. Hansen, *The CMA Evolution Strategy: A Tutorial*, 2016 (arXiv 1604.00772), with its default settings: λ = 4 + ⌊3 ln n⌋
/// points a round, of which the better half is used with logarithmic weights, and the cumulations and rates of its table
/// 1, without negative weights. Bounds are kept by taking the nearest point within them, which is then also what is
/// learnt from.
public struct CovarianceSearch: ParameterSearch {
    /// CMA-ES.
    public var name: String { "CMA-ES" }
    /// How many numbers a point has.
    public let dimension: Int
    /// How many points a round has, λ.
    public let populationSize: Int
    /// Where the points are drawn around.
    public private(set) var mean: [Double]
    /// How far they are drawn from it, σ.
    public private(set) var step: Double

    private let bounds: SearchBounds
    private let settings: Settings
    private var generator: SeededGenerator
    /// The rounds so far.
    private var rounds = 0
    private var stepPath: [Double]
    private var covariancePath: [Double]
    /// C, row by row.
    private(set) var covariance: [Double]
    /// The square roots of C's eigenvalues, and its eigenvectors as rows.
    private var axes: (lengths: [Double], directions: [Double])
    private var population: [[Double]] = []
    private var hasEnded = false

    /// Makes a search.
    ///
    /// - Parameters:
    ///   - start: where it begins.
    ///   - step: how far from there the result may well be: the standard deviation of the first points.
    ///   - bounds: what every number is kept in.
    ///   - populationSize: the points of a round; λ = 4 + ⌊3 ln n⌋ if `nil`.
    ///   - seed: where chance begins.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for no numbers, a step that is not positive, or fewer than 4 points.
    public init(
        from start: [Double],
        step: Double,
        bounds: SearchBounds = .none,
        populationSize: Int? = nil,
        seed: UInt64 = 0
    ) throws(CollabError) {
        let count = start.count
        let size = populationSize ?? 4 + Int(3 * naturalLogarithm(Double(max(1, count))))
        guard count > 0, step > 0, step.isFinite, start.allSatisfy(\.isFinite), size >= 4 else {
            throw CollabError(
                .invalidRequest,
                "CMA-ES needs finite numbers to begin with, a positive step and at least 4 points a round; it was "
                    + "given \(count) numbers, a step of \(step) and \(size) points."
            )
        }
        dimension = count
        self.populationSize = size
        self.bounds = bounds
        self.step = step
        mean = bounds.clamp(start)
        settings = Settings(dimension: count, populationSize: size)
        generator = SeededGenerator(seed: seed)
        stepPath = Array(repeating: 0, count: count)
        covariancePath = stepPath
        covariance = (0..<count * count).map { $0 / count == $0 % count ? 1 : 0 }
        axes = (Array(repeating: 1, count: count), covariance)
    }

    /// Points drawn from N(m, σ² C).
    public mutating func nextPoints() -> [[Double]] {
        guard !hasEnded else { return [] }
        population = (0..<populationSize).map { _ in
            let draws = (0..<dimension).map { axes.lengths[$0] * generator.nextNormal() }
            var point = mean
            for (axis, draw) in draws.enumerated() {
                for place in 0..<dimension {
                    point[place] += step * draw * axes.directions[axis * dimension + place]
                }
            }
            return bounds.clamp(point)
        }
        return population
    }

    /// Moves the mean and adapts step and covariance.
    public mutating func learn(_ losses: [Double]) {
        precondition(losses.count == population.count)
        let ranking = losses.indices.sorted { (losses[$0], $0) < (losses[$1], $1) }
        let (old, weights) = (mean, settings.weights)
        let best = ranking.prefix(weights.count).map { point in
            zip(population[point], old).map { ($0 - $1) / step }
        }
        var move = [Double](repeating: 0, count: dimension)
        for (weight, step) in zip(weights, best) {
            for place in 0..<dimension { move[place] += weight * step[place] }
        }
        mean = zip(old, move).map { $0 + step * $1 }
        rounds += 1
        adaptPaths(move)
        adaptCovariance(best)
        step *= exponential(
            settings.stepRate / settings.stepDamping * (length(stepPath) / settings.expectedLength - 1)
        )
        hasEnded = !decompose()
    }

    private mutating func adaptPaths(_ move: [Double]) {
        let rate = settings.stepRate
        // C^(−1/2) times the move.
        var whitened = [Double](repeating: 0, count: dimension)
        for axis in 0..<dimension {
            let row = axis * dimension
            var along = 0.0
            for place in 0..<dimension { along += axes.directions[row + place] * move[place] }
            along /= axes.lengths[axis]
            for place in 0..<dimension { whitened[place] += along * axes.directions[row + place] }
        }
        let factor = (rate * (2 - rate) * settings.effectiveCount).squareRoot()
        stepPath = zip(stepPath, whitened).map { (1 - rate) * $0 + factor * $1 }
        let share = settings.pathRate
        covariancePath = covariancePath.map { (1 - share) * $0 }
        guard isPathShort else { return }
        let own = (share * (2 - share) * settings.effectiveCount).squareRoot()
        for place in 0..<dimension { covariancePath[place] += own * move[place] }
    }

    /// Whether the step's path is no longer than chance would have it: the tutorial's hσ.
    private var isPathShort: Bool {
        var decay = 1.0
        for _ in 0..<2 * rounds { decay *= 1 - settings.stepRate }
        let limit = (1.4 + 2 / (Double(dimension) + 1)) * settings.expectedLength
        return length(stepPath) / (1 - decay).squareRoot() < limit
    }

    private mutating func adaptCovariance(_ best: [[Double]]) {
        let (one, several) = (settings.rankOneRate, settings.rankManyRate)
        let missing = isPathShort ? 0 : settings.pathRate * (2 - settings.pathRate)
        let kept = 1 - one - several + one * missing
        for row in 0..<dimension {
            for column in 0...row {
                var value = kept * covariance[row * dimension + column]
                value += one * covariancePath[row] * covariancePath[column]
                for (weight, step) in zip(settings.weights, best) {
                    value += several * weight * step[row] * step[column]
                }
                covariance[row * dimension + column] = value
                covariance[column * dimension + row] = value
            }
        }
    }

    /// Finds the axes; false where there are none any more, because the points lie in a plane or the step is 0.
    private mutating func decompose() -> Bool {
        guard step.isFinite, step > 1e-300, covariance.allSatisfy(\.isFinite) else { return false }
        let (values, vectors) = symmetricEigenvectors(of: covariance, order: dimension)
        guard let least = values.min(), least > 0 else { return false }
        axes = (values.map { $0.squareRoot() }, vectors)
        return true
    }

    private func length(_ vector: [Double]) -> Double {
        vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }

    /// The tutorial's table 1.
    private struct Settings: Sendable {
        var weights: [Double]
        /// μ_eff.
        var effectiveCount: Double
        /// cσ and dσ.
        var stepRate, stepDamping: Double
        /// c_c.
        var pathRate: Double
        /// c₁ and c_μ.
        var rankOneRate, rankManyRate: Double
        /// E‖N(0, I)‖.
        var expectedLength: Double

        init(dimension: Int, populationSize: Int) {
            let n = Double(dimension)
            let raw = (1...populationSize / 2).map {
                naturalLogarithm(Double(populationSize + 1) / 2) - naturalLogarithm(Double($0))
            }
            let sum = raw.reduce(0, +)
            weights = raw.map { $0 / sum }
            effectiveCount = 1 / weights.reduce(0) { $0 + $1 * $1 }
            stepRate = (effectiveCount + 2) / (n + effectiveCount + 5)
            stepDamping = 1 + 2 * max(0, ((effectiveCount - 1) / (n + 1)).squareRoot() - 1) + stepRate
            pathRate = (4 + effectiveCount / n) / (n + 4 + 2 * effectiveCount / n)
            rankOneRate = 2 / ((n + 1.3) * (n + 1.3) + effectiveCount)
            rankManyRate = min(
                1 - rankOneRate,
                2 * (effectiveCount - 2 + 1 / effectiveCount) / ((n + 2) * (n + 2) + effectiveCount)
            )
            expectedLength = n.squareRoot() * (1 - 1 / (4 * n) + 1 / (21 * n * n))
        }
    }
}

/// The eigenvalues of a small symmetric matrix, and its eigenvectors as rows, by Jacobi's rotations (C. Jacobi, 1846): no
/// library is asked, so that a search is the same on every machine.
func symmetricEigenvectors(of matrix: [Double], order: Int) -> (values: [Double], vectors: [Double]) {
    var a = matrix
    var vectors = (0..<order * order).map { $0 / order == $0 % order ? 1.0 : 0 }
    for _ in 0..<60 {
        var outside = 0.0, inside = 0.0
        for row in 0..<order {
            inside += a[row * order + row] * a[row * order + row]
            for column in 0..<row { outside += a[row * order + column] * a[row * order + column] }
        }
        if outside <= 1e-30 * inside { break }
        for p in 0..<order {
            for q in (p + 1)..<max(order, p + 1) where a[p * order + q] != 0 {
                let ratio = (a[q * order + q] - a[p * order + p]) / (2 * a[p * order + q])
                let tangent = (ratio < 0 ? -1 : 1) / (abs(ratio) + (ratio * ratio + 1).squareRoot())
                let cosine = 1 / (tangent * tangent + 1).squareRoot()
                let sine = tangent * cosine
                for k in 0..<order {
                    let (x, y) = (a[k * order + p], a[k * order + q])
                    a[k * order + p] = cosine * x - sine * y
                    a[k * order + q] = sine * x + cosine * y
                }
                for k in 0..<order {
                    let (x, y) = (a[p * order + k], a[q * order + k])
                    a[p * order + k] = cosine * x - sine * y
                    a[q * order + k] = sine * x + cosine * y
                }
                for k in 0..<order {
                    let (x, y) = (vectors[p * order + k], vectors[q * order + k])
                    vectors[p * order + k] = cosine * x - sine * y
                    vectors[q * order + k] = sine * x + cosine * y
                }
            }
        }
    }
    return ((0..<order).map { a[$0 * order + $0] }, vectors)
}
