/// Steps of about the same length in every number: Adam (D. Kingma and J. Ba, *Adam: A Method for Stochastic
/// Optimization*, 2015) with its usual constants, β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸.
package struct AdamSteps: Sendable {
    private var mean: [Double]
    private var square: [Double]
    private let rate: Double
    private var count = 0

    /// - Parameters:
    ///   - count: how many numbers are moved.
    ///   - rate: how far a number moves in a step, about.
    package init(count: Int, rate: Double) {
        mean = Array(repeating: 0, count: count)
        square = mean
        self.rate = rate
    }

    /// Takes a step down a gradient.
    package mutating func step(_ values: inout [Double], gradient: [Double]) {
        gradient.withUnsafeBufferPointer { gradient in step(&values) { gradient[$0] } }
    }

    /// Takes a step down the slope 2 (gradient − target).
    mutating func step(_ values: inout [Double], gradient: [Double], target: [Double]) {
        gradient.withUnsafeBufferPointer { gradient in
            target.withUnsafeBufferPointer { target in step(&values) { 2 * (gradient[$0] - target[$0]) } }
        }
    }

    @inline(__always)
    private mutating func step(_ values: inout [Double], slope: (Int) -> Double) {
        count += 1
        var (first, second) = (1.0, 1.0)
        for _ in 0..<count { (first, second) = (first * 0.9, second * 0.999) }
        let (toMean, toSquare) = (1 / (1 - first), 1 / (1 - second))
        let rate = rate
        values.withUnsafeMutableBufferPointer { values in
            mean.withUnsafeMutableBufferPointer { mean in
                square.withUnsafeMutableBufferPointer { square in
                    for place in values.indices {
                        let slope = slope(place)
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
