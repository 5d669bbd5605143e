import Collab

/// The normal equations of sparse rows, centred without being filled: (XᵀX − n x̄x̄ᵀ + λ) w = Xᵀ(y − ȳ).
struct CentredEquations {
    private let features: FeatureTable
    private let penalty: Float
    private let means: [Float]

    init(_ features: FeatureTable, penalty: Float) {
        self.features = features
        self.penalty = penalty
        let share = 1 / Float(max(features.count, 1))
        means = features.sums(weightedBy: [Float](repeating: share, count: features.count), columns: 1)
    }

    /// Conjugate gradients until the residual is a hundred-thousandth of the right side.
    func solve(_ target: [Double]) throws(CollabError) -> (weights: [Float], intercept: Float) {
        let average = target.reduce(0, +) / Double(max(target.count, 1))
        var residual = transposed(target.map { Float($0 - average) })
        var weights = [Float](repeating: 0, count: features.dimension)
        var direction = residual
        var square = squareLength(residual)
        let goal = square * 1e-10
        for _ in 0..<200 where square > goal {
            try checkCancellation()
            var image = transposed(centred(direction))
            for place in image.indices { image[place] += penalty * direction[place] }
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
        return features.products(with: vector, count: 1).map { $0 - shift }
    }

    /// (X − 1x̄ᵀ)ᵀ r.
    private func transposed(_ vector: [Float]) -> [Float] {
        var result = features.sums(weightedBy: vector, columns: 1)
        let sum = vector.reduce(0, +)
        for place in result.indices { result[place] -= sum * means[place] }
        return result
    }
}
