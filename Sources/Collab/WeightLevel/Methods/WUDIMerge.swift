/// WUDI: the task vector that disturbs every member's own directions least, found by gradient descent.
///
/// R. Cheng et al., *Whoever Started the Interference Should End It: Guiding Data-Free Model Merging via Task Vectors*,
/// 2025. A layer's inputs lie near the rows of its task vector dᵢ, so the merged τ minimises
/// Σ ‖(τ − dᵢ) dᵢᵀ‖² ∕ ‖dᵢ‖², beginning at Σ dᵢ, by so many steps of Adam (β 0.9 and 0.999). The steps are part of the
/// method: the minimum itself fits the least of the directions as well. Members that did not change the matrix have no
/// say. Vectors, and matrices that are too large, get λ times the mean of the dᵢ.
public struct WUDIMerge: WholeMatrixMethod {
    /// Where the task vectors are measured from; `nil`: the first member.
    public var base: (any Checkpoint)?
    /// The factor of the merged task vector.
    public var lambda: MergeParameter
    /// How many steps of Adam.
    public var steps: Int
    /// How long a step is.
    public var rate: Double
    /// Matrices of more elements than this get the mean: 2²⁶, so that embeddings of large vocabularies do.
    public var largestMatrix = 1 << 26

    /// Makes the method.
    public init(
        base: (any Checkpoint)? = nil,
        lambda: MergeParameter = 1,
        steps: Int = 300,
        rate: Double = 1e-5
    ) {
        self.base = base
        self.lambda = lambda
        self.steps = steps
        self.rate = rate
    }

    /// The method's name.
    public var name: String { "WUDI" }
    /// The base, or the first member.
    public var baseline: MergeBaseline { MergeBaseline(base) }

    /// Throws for a λ that is not finite, a negative number of steps, and a rate that is not above 0.
    public func validate(memberCount: Int) throws(CollabError) {
        try lambda.validate("values of λ", memberCount: 1)
        guard steps >= 0, rate > 0, rate.isFinite else {
            throw CollabError(.invalidRequest, "WUDI takes 0 or more steps of a length above 0.")
        }
    }

    func change(of tasks: TaskMatrices) throws(CollabError) -> DoubleMatrix {
        // Transposed, so that the products of each step need no transposing: ∂/∂τᵀ = 2 (H τᵀ − C).
        var merged = try tasks.sum().transposed
        var (curvature, target) = (
            DoubleMatrix(rows: merged.rows, columns: merged.rows),
            DoubleMatrix(rows: merged.rows, columns: merged.columns)
        )
        for member in 0..<tasks.count {
            let task = try tasks.matrix(member)
            let square = task.values.reduce(0) { $0 + $1 * $1 }
            if square == 0 { continue }
            let gram = try task.transposed(times: task).scaled(by: 1 / square)
            curvature = curvature + gram
            target = target + (try gram.transposed(times: task.transposed))
        }
        var adam = AdamSteps(count: merged.values.count, rate: rate)
        for _ in 0..<steps {
            try checkCancellation()
            let gradient = try curvature.transposed(times: merged) - target
            adam.step(&merged.values, gradient: gradient.values, factor: 2)
        }
        return merged.transposed
    }
}

extension DoubleMatrix {
    fileprivate func scaled(by factor: Double) -> DoubleMatrix {
        scaled(rows: Array(repeating: factor, count: rows))
    }
}

/// Adam (D. Kingma and J. Ba, 2015) with its usual constants.
private struct AdamSteps {
    private var mean: [Double]
    private var square: [Double]
    private let rate: Double
    private var count = 0

    init(count: Int, rate: Double) {
        mean = Array(repeating: 0, count: count)
        square = mean
        self.rate = rate
    }

    mutating func step(_ values: inout [Double], gradient: [Double], factor: Double) {
        count += 1
        var (first, second) = (1.0, 1.0)
        for _ in 0..<count { (first, second) = (first * 0.9, second * 0.999) }
        let (toMean, toSquare) = (1 / (1 - first), 1 / (1 - second))
        let rate = rate
        values.withUnsafeMutableBufferPointer { values in
            mean.withUnsafeMutableBufferPointer { mean in
                square.withUnsafeMutableBufferPointer { square in
                    gradient.withUnsafeBufferPointer { gradient in
                        for place in values.indices {
                            let slope = factor * gradient[place]
                            mean[place] = 0.9 * mean[place] + 0.1 * slope
                            square[place] = 0.999 * square[place] + 0.001 * slope * slope
                            let length = (square[place] * toSquare).squareRoot() + 1e-8
                            values[place] -= rate * (mean[place] * toMean) / length
                        }
                    }
                }
            }
        }
    }
}

extension MergeMethod where Self == WUDIMerge {
    /// The task vector that disturbs every member's directions least; see ``WUDIMerge``.
    public static func wudi(
        base: (any Checkpoint)? = nil,
        lambda: MergeParameter = 1,
        steps: Int = 300,
        rate: Double = 1e-5
    ) -> WUDIMerge {
        WUDIMerge(base: base, lambda: lambda, steps: steps, rate: rate)
    }
}
