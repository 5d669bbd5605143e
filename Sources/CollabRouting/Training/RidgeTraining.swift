public import Collab
import CollabKernels

/// Least squares with a penalty on the weights: argmin Σ (w·x + b − y)² + λ |w|², the intercept b free.
///
/// Embeddings: the normal equations by Cholesky's factors, all models at once. N-grams, which have too many features for
/// that: conjugate gradients on the same equations, one model after another.
public struct RidgeTraining: RouterTraining {
    /// The weight λ of the penalty.
    public var penalty: Double

    /// Makes a training; with vectors of unit length, 10 suits embeddings and 3 n-grams.
    public init(penalty: Double = 10) {
        self.penalty = penalty
    }

    /// What the method and its settings are.
    public var name: String { "ridge, λ = \(penalty)" }

    /// Learns.
    public func train(
        on set: TrainingSet,
        seed: UInt64,
        progress: (Double) -> Void
    ) throws(CollabError) -> any QualityEstimator {
        guard penalty > 0, penalty.isFinite else {
            throw CollabError(.invalidRequest, "Ridge needs a penalty above 0, not \(penalty).")
        }
        var result = LinearWeights(models: set.models.count, dimension: set.features.dimension)
        let groups = set.scoredGroups()
        for (done, group) in groups.enumerated() {
            try checkCancellation()
            let targets = group.models.indices.map { group.targets.column($0).map { Double($0) } }
            let solved: [(weights: [Float], intercept: Float)]
            switch group.features {
            case .dense: solved = try solveDense(try group.features.dense(for: "Ridge"), targets)
            case .sparse:
                let system = CentredEquations(group.features, penalty: Float(penalty))
                solved = try targets.map { (target) throws(CollabError) in try system.solve(target) }
            }
            for (model, solution) in zip(group.models, solved) {
                result.set(model, solution.weights, intercept: solution.intercept)
            }
            progress(Double(done + 1) / Double(groups.count))
        }
        return result.estimator()
    }

    private func solveDense(
        _ table: Table,
        _ targets: [[Double]]
    ) throws(CollabError) -> [(weights: [Float], intercept: Float)] {
        let (count, width) = (table.rows, table.columns)
        var means = [Double](repeating: 0, count: width)
        for row in 0..<count {
            for column in 0..<width { means[column] += Double(table.values[row * width + column]) }
        }
        for column in means.indices { means[column] /= Double(count) }
        var centred = [Double](repeating: 0, count: count * width)
        for row in 0..<count {
            for column in 0..<width {
                centred[row * width + column] = Double(table.values[row * width + column]) - means[column]
            }
        }
        let averages = targets.map { $0.reduce(0, +) / Double(count) }
        var sides = [Double](repeating: 0, count: count * targets.count)
        for (model, target) in targets.enumerated() {
            for row in 0..<count { sides[row * targets.count + model] = target[row] - averages[model] }
        }
        let solution: [Double]
        do throws(KernelError) {
            var gram = try LinearAlgebra.rowSums(centred, columns: width, centred, columns: width)
            for place in 0..<width { gram[place * width + place] += penalty }
            // Right sides one after another: the rows of (targets × width).
            let right = try LinearAlgebra.rowSums(sides, columns: targets.count, centred, columns: width)
            solution = try LinearAlgebra.solvePositiveDefinite(gram, right)
        } catch {
            throw CollabError(.unsupported, "Ridge regression could not be solved.", cause: error)
        }
        return targets.indices.map { model in
            let weights = solution[model * width..<(model + 1) * width]
            let shift = zip(weights, means).reduce(0) { $0 + $1.0 * $1.1 }
            return (weights.map { Float($0) }, Float(averages[model] - shift))
        }
    }
}

extension RouterTraining where Self == RidgeTraining {
    /// Least squares with a penalty on the weights; see ``RidgeTraining``.
    public static func ridge(penalty: Double = 10) -> RidgeTraining { RidgeTraining(penalty: penalty) }
}
