import Collab
import CollabKernels

/// What is known of one model: least squares with a penalty of all questions that it was tried on.
///
/// A = λ I + Σ x xᵀ and b = Σ r x are kept; the inverse of A, which every decision reads, is brought up to date by the
/// formula of Sherman and Morrison (1950), and made anew by LAPACK from time to time, so that errors do not add up.
struct BanditArm: Hashable, Sendable {
    /// How often the model was tried.
    private(set) var count = 0
    /// What all tries cost together.
    private(set) var spent = 0.0
    /// A, row by row.
    private(set) var gram: [Double]
    /// b.
    private(set) var moment: [Double]
    private var inverse: [Double]
    /// A⁻¹ b.
    private(set) var weights: [Double]

    init(order: Int, penalty: Double) {
        gram = [Double](repeating: 0, count: order * order)
        inverse = gram
        for place in 0..<order {
            gram[place * order + place] = penalty
            inverse[place * order + place] = 1 / penalty
        }
        moment = [Double](repeating: 0, count: order)
        weights = moment
    }

    /// Restores an arm.
    init(count: Int, spent: Double, gram: [Double], moment: [Double]) throws(CollabError) {
        self.count = count
        self.spent = spent
        self.gram = gram
        self.moment = moment
        inverse = gram
        weights = moment
        try refresh()
    }

    /// A⁻¹ by Cholesky's factors.
    private mutating func refresh() throws(CollabError) {
        let order = moment.count
        var unit = [Double](repeating: 0, count: order * order)
        for place in 0..<order { unit[place * order + place] = 1 }
        do throws(KernelError) {
            inverse = try LinearAlgebra.solvePositiveDefinite(gram, unit)
        } catch {
            throw CollabError(.malformedFile, "What a model was tried on has no inverse.", cause: error)
        }
        weights = image(of: moment)
    }

    /// A⁻¹ v.
    private func image(of vector: [Double]) -> [Double] {
        let order = moment.count
        return inverse.withUnsafeBufferPointer { inverse in
            (0..<order).map { row in
                var sum = 0.0
                for column in 0..<order { sum += inverse[row * order + column] * vector[column] }
                return sum
            }
        }
    }

    /// What is expected on a question, and √(xᵀ A⁻¹ x): how little of its kind is known.
    func estimate(_ question: [Double]) -> (mean: Double, deviation: Double) {
        let image = image(of: question)
        var (mean, square) = (0.0, 0.0)
        for place in question.indices {
            mean += weights[place] * question[place]
            square += image[place] * question[place]
        }
        return (mean, max(square, 0).squareRoot())
    }

    /// Learns what came of a try.
    mutating func learn(_ question: [Double], quality: Double, cost: Double) {
        let order = moment.count
        let image = image(of: question)
        let denominator = 1 + zip(image, question).reduce(0) { $0 + $1.0 * $1.1 }
        for row in 0..<order {
            moment[row] += quality * question[row]
            let factor = image[row] / denominator
            for column in 0..<order {
                gram[row * order + column] += question[row] * question[column]
                inverse[row * order + column] -= factor * image[column]
            }
        }
        count += 1
        spent += cost
        weights = self.image(of: moment)
        // Without LAPACK the formula goes on alone.
        if count % 1024 == 0 { try? refresh() }
    }
}
