import CollabKernels

/// Vectors of one width, one a token.
struct Rows: Sendable {
    let count: Int
    let width: Int
    var values: [Float]

    init(count: Int, width: Int) {
        self.count = count
        self.width = width
        values = [Float](repeating: 0, count: count * width)
    }

    /// These rows times a matrix of `[outputs, width]`, transposed: what a linear layer makes of them.
    func through(_ matrix: [Float], outputs: Int) -> Rows {
        var result = Rows(count: count, width: outputs)
        BLAS.sgemm(
            .normal,
            .transposed,
            m: count,
            n: outputs,
            k: width,
            a: values,
            lda: width,
            b: matrix,
            ldb: width,
            c: &result.values,
            ldc: outputs
        )
        return result
    }

    /// The gradient of a linear layer's inputs, of that of its outputs: these rows times the matrix of `[width, inputs]`.
    func back(through matrix: [Float], inputs: Int) -> Rows {
        var result = Rows(count: count, width: inputs)
        BLAS.sgemm(
            m: count,
            n: inputs,
            k: width,
            a: values,
            lda: width,
            b: matrix,
            ldb: inputs,
            c: &result.values,
            ldc: inputs
        )
        return result
    }

    /// The gradient of a linear layer's matrix: these rows transposed, of the outputs, times its inputs.
    func matrixGradient(inputs: Rows) -> [Float] {
        var result = [Float](repeating: 0, count: width * inputs.width)
        BLAS.sgemm(
            .transposed,
            .normal,
            m: width,
            n: inputs.width,
            k: count,
            a: values,
            lda: width,
            b: inputs.values,
            ldb: inputs.width,
            c: &result,
            ldc: inputs.width
        )
        return result
    }

    static func += (left: inout Rows, right: Rows) {
        VectorKernels.add(right.values, count: right.values.count, to: &left.values)
    }

    mutating func add(bias: [Float]?) {
        guard let bias else { return }
        values.withUnsafeMutableBufferPointer { values in
            guard let base = values.baseAddress else { return }
            for row in 0..<count { VectorKernels.add(bias, count: width, to: base + row * width) }
        }
    }

    /// The sum of the rows.
    var sum: [Float] {
        var sum = [Float](repeating: 0, count: width)
        for row in 0..<count { for place in 0..<width { sum[place] += values[row * width + place] } }
        return sum
    }
}

/// A root-mean-square norm of rows, or of parts of rows, as it was computed.
struct NormedRows: Sendable {
    /// What was normalised.
    let input: Rows
    /// What came out.
    private(set) var output: Rows
    private let weight: [Float]
    /// 1 / √(mean x² + ε), one a part.
    private var factors: [Float] = []

    /// - Parameter weight: one factor an element of a part; rows that are several times as wide have several parts.
    init(_ input: Rows, weight: [Float], epsilon: Float) {
        self.input = input
        self.weight = weight
        output = input
        let width = weight.count
        for part in 0..<input.values.count / width {
            var square = 0.0
            for place in 0..<width {
                let x = Double(input.values[part * width + place])
                square += x * x
            }
            let factor = Float(1 / (square / Double(width) + Double(epsilon)).squareRoot())
            factors.append(factor)
            for place in 0..<width { output.values[part * width + place] *= factor * weight[place] }
        }
    }

    /// The gradients of what was normalised and of the weight.
    func back(_ gradient: Rows) -> (input: Rows, weight: [Float]) {
        let width = weight.count
        var result = Rows(count: input.count, width: input.width)
        var slopes = [Float](repeating: 0, count: width)
        for (part, factor) in factors.enumerated() {
            let start = part * width
            var product = 0.0
            for place in 0..<width {
                let slope = gradient.values[start + place], x = input.values[start + place]
                slopes[place] += slope * x * factor
                product += Double(slope * weight[place]) * Double(x)
            }
            let pull = Float(product) * factor * factor * factor / Float(width)
            for place in 0..<width {
                result.values[start + place] =
                    gradient.values[start + place] * weight[place] * factor - input.values[start + place]
                    * pull
            }
        }
        return (result, slopes)
    }
}
