/// Adam (D. Kingma and J. Ba, 2015) with its usual constants.
struct AdamSteps {
    private var mean: [Double]
    private var square: [Double]
    private let rate: Double
    private var count = 0

    init(count: Int, rate: Double) {
        mean = Array(repeating: 0, count: count)
        square = mean
        self.rate = rate
    }

    /// Takes a step down the slope 2 (gradient − target).
    mutating func step(_ values: inout [Double], gradient: [Double], target: [Double]) {
        count += 1
        var (first, second) = (1.0, 1.0)
        for _ in 0..<count { (first, second) = (first * 0.9, second * 0.999) }
        let (toMean, toSquare) = (1 / (1 - first), 1 / (1 - second))
        let rate = rate
        values.withUnsafeMutableBufferPointer { values in
            mean.withUnsafeMutableBufferPointer { mean in
                square.withUnsafeMutableBufferPointer { square in
                    gradient.withUnsafeBufferPointer { gradient in
                        target.withUnsafeBufferPointer { target in
                            for place in values.indices {
                                let slope = 2 * (gradient[place] - target[place])
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
}
