import Testing

@testable import CollabKernels

/// Products of packed matrices against float64 sums over the dequantised weights.
@Suite struct MatrixProductTests {
    @Test(arguments: TensorFormat.allCases, KernelLevel.supported)
    func `every format multiplies as its dequantised rows do`(format: TensorFormat, level: KernelLevel) throws
    {
        for rows in [1, 37, 64] {
            let columns = format.blockElements == 256 ? 512 : format.blockElements == 32 ? 96 : 90
            try check(format: format, rows: rows, columns: columns, level: level)
        }
    }

    private func check(format: TensorFormat, rows: Int, columns: Int, level: KernelLevel) throws {
        var random = TestRandom(seed: UInt64(rows * 7919 + columns))
        let bytes = RandomTensor.bytes(format: format, elements: rows * columns, using: &random)
        let weights = try bytes.withUnsafeBytes {
            try TensorConversion.dequantize(format, bytes: $0, count: rows * columns, level: .portable)
        }
        let matrix = try bytes.withUnsafeBytes {
            try PackedMatrix(format: format, rows: rows, columns: columns, bytes: $0)
        }
        for row in [0, rows - 1] {
            var copy = [Float](repeating: .nan, count: columns)
            matrix.copyRow(row, into: &copy)
            #expect(copy == Array(weights[row * columns..<(row + 1) * columns]))
        }
        let x = random.floats(70 * columns)
        var single: [Precision: [[Float]]] = [:]
        for precision in Precision.allCases where precision == .float || !matrix.needsFloatActivations {
            single[precision] = (0..<70).map { token in
                let row = Array(x[token * columns..<(token + 1) * columns])
                return product(matrix, row, count: 1, precision: precision, level: level)
            }
        }
        for (precision, results) in single {
            let tolerance = precision == .float ? 2e-6 : 2e-2
            for token in [0, 69] {
                for row in 0..<rows {
                    var exact = 0.0
                    var magnitude = 0.0
                    for k in 0..<columns {
                        let term = Double(weights[row * columns + k]) * Double(x[token * columns + k])
                        exact += term
                        magnitude += term * term
                    }
                    let error = abs(Double(results[token][row]) - exact) / (magnitude.squareRoot() + 1e-30)
                    #expect(error < tolerance, "\(format) \(precision) row \(row) token \(token)")
                }
            }
            for count in [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 64, 70] {
                let all = product(
                    matrix,
                    Array(x[0..<count * columns]),
                    count: count,
                    precision: precision,
                    level: level
                )
                let expected = results[0..<count].flatMap { $0 }
                #expect(bits(all) == bits(expected), "\(format) \(precision) batch of \(count)")
            }
        }
    }

    private func product(
        _ matrix: PackedMatrix,
        _ x: [Float],
        count: Int,
        precision: Precision,
        level: KernelLevel
    ) -> [Float] {
        let batch = ActivationBatch(columns: matrix.columns, capacity: count, precisions: [precision])
        batch.count = count
        batch.prepare(rows: 0..<count, from: x, stride: matrix.columns, level: level)
        var y = [Float](repeating: .nan, count: count * matrix.rows)
        matrix.multiply(batch, into: &y, stride: matrix.rows, level: level)
        return y
    }

    private func bits(_ x: [Float]) -> [UInt32] { x.map(\.bitPattern) }
}
