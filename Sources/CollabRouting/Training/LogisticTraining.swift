public import Collab
import CollabKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Logistic regression: argmin Σ BCE(y, σ(w·x + b)) + λ ∕ 2 |w|² for each model, the intercept b free.
///
/// Targets are soft: any score between 0 and 1. λ is 1 ∕ C of other libraries. The minimum is found by L-BFGS for all
/// models at once that were scored on the same questions. On embeddings it starts from the inverse of a curvature that
/// is nowhere exceeded, ¼ XᵀX + λ (D. Böhning, B. Lindsay, *Monotonicity of quadratic-approximation algorithms*, 1988):
/// a dozen evaluations are enough.
public struct LogisticTraining: RouterTraining {
    /// The weight λ of the penalty.
    public var penalty: Double

    /// Makes a training.
    public init(penalty: Double = 1) {
        self.penalty = penalty
    }

    /// What the method and its settings are.
    public var name: String { "logistic, λ = \(penalty)" }

    /// More numbers a question than this, and the inverse of the curvature costs more than it saves.
    fileprivate static let widestCurvature = 2048

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
        var result = LinearWeights(models: set.models.count, dimension: set.features.dimension)
        let groups = set.scoredGroups()
        for (done, group) in groups.enumerated() {
            let problem = Problem(group, penalty: Float(penalty))
            // Each model's weights, then the intercepts.
            let start = [Float](repeating: 0, count: group.models.count * (problem.width + 1))
            let minimizer = LimitedMemoryMinimizer(conditioner: try problem.conditioner())
            let solution = try minimizer.minimize(from: start, problem.loss)
            for (column, model) in group.models.enumerated() {
                result.set(
                    model,
                    solution[column * problem.width..<(column + 1) * problem.width],
                    intercept: solution[group.models.count * problem.width + column]
                )
            }
            progress(Double(done + 1) / Double(groups.count))
        }
        return result.estimator(isLogistic: true)
    }

    /// The loss of the models of one group.
    private struct Problem {
        let features: FeatureTable
        let targets: Table
        let penalty: Float
        let width: Int

        init(_ group: ScoredGroup, penalty: Float) {
            features = group.features
            var targets = group.targets
            for place in targets.values.indices {
                targets.values[place] = min(max(targets.values[place], 0), 1)
            }
            self.targets = targets
            self.penalty = penalty
            width = group.features.dimension
        }

        func loss(_ point: [Float]) -> (value: Double, slope: [Float]) {
            let models = targets.columns
            var residuals = features.products(with: point, count: models)
            var value = 0.0
            var intercepts = [Double](repeating: 0, count: models)
            var model = 0
            for place in residuals.indices {
                let sum = residuals[place] + point[models * width + model]
                let target = targets.values[place]
                // log(1 + eˢ) − y s, without overflow; one power serves the slope as well.
                let power = expf(-abs(sum))
                value += Double(max(sum, 0) + log1pf(power) - target * sum)
                residuals[place] = (sum >= 0 ? 1 : power) / (1 + power) - target
                intercepts[model] += Double(residuals[place])
                model = model + 1 == models ? 0 : model + 1
            }
            var slope = features.sums(weightedBy: residuals, columns: models)
            var square = 0.0
            for place in slope.indices {
                square += Double(point[place] * point[place])
                slope[place] += penalty * point[place]
            }
            return (value + Double(penalty) / 2 * square, slope + intercepts.map { Float($0) })
        }

        /// Multiplies slopes by (¼ XᵀX + λ)⁻¹, X with a last column of ones that no penalty is on; `nil` for n-grams.
        func conditioner() throws(CollabError) -> (([Float]) -> [Float])? {
            guard case .dense(let table) = features, width <= LogisticTraining.widestCurvature,
                LinearAlgebra.isAvailable
            else { return nil }
            var gram = [Float](repeating: 0, count: width * width)
            BLAS.sgemm(
                .transposed,
                .normal,
                m: width,
                n: width,
                k: table.rows,
                alpha: 0.25,
                a: table.values,
                lda: width,
                b: table.values,
                ldb: width,
                c: &gram,
                ldc: width
            )
            let sums = features.sums(weightedBy: [Float](repeating: 0.25, count: table.rows), columns: 1)
            let order = width + 1
            var curvature = [Double](repeating: 0, count: order * order)
            var unit = curvature
            for row in 0..<width {
                for column in 0..<width {
                    curvature[row * order + column] = Double(gram[row * width + column])
                }
                curvature[row * order + row] += Double(penalty)
                curvature[row * order + width] = Double(sums[row])
                curvature[width * order + row] = Double(sums[row])
            }
            // Where all questions are alike, the intercept is no more determined than the penalty lets it be.
            curvature[order * order - 1] = Double(table.rows) / 4 + 1e-6 * Double(penalty)
            for place in 0..<order { unit[place * order + place] = 1 }
            // Rounding may spoil what is barely definite; then the slope is only scaled.
            guard let inverse = try? LinearAlgebra.solvePositiveDefinite(curvature, unit) else { return nil }
            let (single, models, width) = (inverse.map { Float($0) }, targets.columns, width)
            return { slope in
                // Each model's weights and intercept beside each other, and back again.
                var rows = [Float](repeating: 0, count: models * order), products = rows
                for model in 0..<models {
                    for place in 0..<width { rows[model * order + place] = slope[model * width + place] }
                    rows[model * order + width] = slope[models * width + model]
                }
                BLAS.sgemm(
                    m: models,
                    n: order,
                    k: order,
                    a: rows,
                    lda: order,
                    b: single,
                    ldb: order,
                    c: &products,
                    ldc: order
                )
                var result = slope
                for model in 0..<models {
                    for place in 0..<width { result[model * width + place] = products[model * order + place] }
                    result[models * width + model] = products[model * order + width]
                }
                return result
            }
        }
    }
}

extension RouterTraining where Self == LogisticTraining {
    /// Logistic regression on soft targets; see ``LogisticTraining``.
    public static func logistic(penalty: Double = 1) -> LogisticTraining {
        LogisticTraining(penalty: penalty)
    }
}
