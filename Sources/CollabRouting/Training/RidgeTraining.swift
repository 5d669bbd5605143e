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
        let scores = set.knownScores
        var weights = Table(rows: set.models.count, columns: set.features.dimension)
        var intercepts = [Float](repeating: 0, count: set.models.count)
        // Models that were scored on the same questions share their equations.
        let known = set.models.indices.map { model in
            (0..<set.count).filter { !scores[$0, model].isNaN }
        }
        let groups = Dictionary(grouping: set.models.indices, by: { known[$0] })
        var done = 0
        for (places, models) in groups.sorted(by: { $0.value[0] < $1.value[0] }) {
            try checkCancellation()
            guard !places.isEmpty else { continue }
            let targets = models.map { model in places.map { Double(scores[$0, model]) } }
            let solved: [(weights: [Float], intercept: Float)]
            switch set.features {
            case .dense:
                let table = try set.features.dense(for: "Ridge")
                solved = try solveDense(
                    places.count == table.rows ? table : table.selecting(places),
                    targets
                )
            case .sparse(let vectors, let buckets):
                let system = SparseSystem(places.map { vectors[$0] }, buckets: buckets, penalty: penalty)
                solved = try targets.map { (target) throws(CollabError) in try system.solve(target) }
            }
            for (model, solution) in zip(models, solved) {
                weights.values.replaceSubrange(
                    model * weights.columns..<(model + 1) * weights.columns,
                    with: solution.weights
                )
                intercepts[model] = solution.intercept
            }
            done += models.count
            progress(Double(done) / Double(set.models.count))
        }
        return LinearEstimator(weights: weights, intercepts: intercepts)
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

/// The normal equations of sparse rows, centred without being filled: (XᵀX − n x̄x̄ᵀ + λ) w = Xᵀ(y − ȳ).
struct SparseSystem {
    private let rows: [SparseVector]
    private let buckets: Int
    private let penalty: Double
    private let means: [Float]

    init(_ rows: [SparseVector], buckets: Int, penalty: Double) {
        self.rows = rows
        self.buckets = buckets
        self.penalty = penalty
        var means = [Float](repeating: 0, count: buckets)
        for row in rows {
            for (place, value) in zip(row.indices, row.values) { means[Int(place)] += value }
        }
        let share = 1 / Float(max(rows.count, 1))
        self.means = means.map { $0 * share }
    }

    /// Conjugate gradients until the residual is a hundred-thousandth of the right side.
    func solve(_ target: [Double]) throws(CollabError) -> (weights: [Float], intercept: Float) {
        let average = target.reduce(0, +) / Double(max(target.count, 1))
        var residual = transposed(target.map { Float($0 - average) })
        var weights = [Float](repeating: 0, count: buckets)
        var direction = residual
        var square = squareLength(residual)
        let goal = square * 1e-10
        for _ in 0..<200 where square > goal {
            try checkCancellation()
            var image = transposed(centred(direction))
            for place in image.indices { image[place] += Float(penalty) * direction[place] }
            var curvature = 0.0
            for place in image.indices { curvature += Double(image[place]) * Double(direction[place]) }
            guard curvature > 0 else { break }
            let step = Float(square / curvature)
            for place in weights.indices {
                weights[place] += step * direction[place]
                residual[place] -= step * image[place]
            }
            let next = squareLength(residual)
            let keep = Float(next / square)
            for place in direction.indices { direction[place] = residual[place] + keep * direction[place] }
            square = next
        }
        var shift = 0.0
        for place in weights.indices { shift += Double(weights[place]) * Double(means[place]) }
        return (weights, Float(average - shift))
    }

    private func squareLength(_ vector: [Float]) -> Double {
        vector.reduce(0.0) { $0 + Double($1) * Double($1) }
    }

    /// (X − 1x̄ᵀ) v.
    private func centred(_ vector: [Float]) -> [Float] {
        var shift: Float = 0
        for place in vector.indices { shift += vector[place] * means[place] }
        return rows.map { row in
            var sum: Float = 0
            for place in row.indices.indices { sum += row.values[place] * vector[Int(row.indices[place])] }
            return sum - shift
        }
    }

    /// (X − 1x̄ᵀ)ᵀ r.
    private func transposed(_ vector: [Float]) -> [Float] {
        var result = [Float](repeating: 0, count: buckets)
        var sum: Float = 0
        for (row, factor) in zip(rows, vector) {
            sum += factor
            for place in row.indices.indices { result[Int(row.indices[place])] += factor * row.values[place] }
        }
        for place in result.indices { result[place] -= sum * means[place] }
        return result
    }
}

extension RouterTraining where Self == RidgeTraining {
    /// Least squares with a penalty on the weights; see ``RidgeTraining``.
    public static func ridge(penalty: Double = 10) -> RidgeTraining { RidgeTraining(penalty: penalty) }
}
