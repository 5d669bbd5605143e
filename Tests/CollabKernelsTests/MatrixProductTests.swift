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

    @Test(arguments: TensorFormat.allCases)
    func `threads change nothing`(format: TensorFormat) throws {
        var random = TestRandom(seed: 4)
        let (rows, columns) = (200, 512)
        let bytes = RandomTensor.bytes(format: format, elements: rows * columns, using: &random)
        let pool = try WorkerPool(workers: 3)
        let memory = MatrixMemory()
        let alone = try bytes.withUnsafeBytes {
            try PackedMatrix(format: format, rows: rows, columns: columns, bytes: $0)
        }
        let together = try bytes.withUnsafeBytes {
            try PackedMatrix(
                format: format,
                rows: rows,
                columns: columns,
                bytes: $0,
                memory: memory,
                pool: pool
            )
        }
        #expect(memory.bytesUsed >= together.byteCount)
        let x = random.floats(11 * columns)
        let precision: Precision = alone.needsFloatActivations ? .float : .integer
        let expected = product(alone, x, count: 11, precision: precision, level: .best)
        let batch = ActivationBatch(columns: columns, capacity: 20, precisions: [precision])
        batch.count = 11
        nonisolated(unsafe) let output = UnsafeMutablePointer<Float>.allocate(capacity: 11 * rows)
        defer { output.deallocate() }
        pool.run { worker in
            let mine = pool.share(of: 11, worker: worker)
            x.withUnsafeBufferPointer {
                batch.prepare(rows: mine, from: $0.baseAddress! + mine.lowerBound * columns, stride: columns)
            }
            pool.barrier()
            together.multiply(
                batch,
                into: output,
                stride: rows,
                groups: pool.share(of: together.groupCount, worker: worker)
            )
        }
        #expect(bits(Array(UnsafeBufferPointer(start: output, count: 11 * rows))) == bits(expected))
    }

    @Test(arguments: TensorFormat.allCases)
    func `levels with fused multiply-adds give the same bits`(format: TensorFormat) throws {
        var random = TestRandom(seed: 14)
        let (rows, columns) = (48, 768)
        let bytes = RandomTensor.bytes(format: format, elements: rows * columns, using: &random)
        let matrix = try bytes.withUnsafeBytes {
            try PackedMatrix(format: format, rows: rows, columns: columns, bytes: $0)
        }
        let x = random.floats(9 * columns)
        for precision in Precision.allCases where precision == .float || !matrix.needsFloatActivations {
            let results = KernelLevel.supported.filter { $0 != .portable }.map {
                bits(product(matrix, x, count: 9, precision: precision, level: $0))
            }
            for other in results.dropFirst() { #expect(other == results[0]) }
        }
    }

    /// The largest weights by the largest activations of one sign: narrow sums on the way must not overflow.
    @Test(
        arguments: TensorFormat.allCases.filter { $0.blockElements > 1 },
        KernelLevel.supported
    )
    func `the largest sums are exact`(format: TensorFormat, level: KernelLevel) throws {
        var random = TestRandom(seed: 5)
        let columns = 256
        for filler: UInt8 in [0xff, 0x7f, 0x80, 0x00] {
            // Scales stay what they are, so that they are numbers.
            var bytes = RandomTensor.bytes(format: format, elements: 16 * columns, using: &random)
            let quants = format.quants
            for index in bytes.indices where quants.contains(index % format.blockBytes) {
                bytes[index] = filler
            }
            let matrix = try bytes.withUnsafeBytes {
                try PackedMatrix(format: format, rows: 16, columns: columns, bytes: $0)
            }
            for sign: Float in [1, -1] {
                let x = [Float](repeating: 0.75 * sign, count: columns)
                let sums = product(matrix, x, count: 1, precision: .integer, level: level)
                let expected = product(matrix, x, count: 1, precision: .float, level: .portable)
                for (sum, other) in zip(sums, expected) {
                    #expect(abs(sum - other) <= 1e-5 * abs(other) + 1e-4, "\(format), \(filler)")
                }
            }
        }
    }

    @Test(arguments: KernelLevel.supported)
    func `a normalised batch equals normalising first`(level: KernelLevel) throws {
        var random = TestRandom(seed: 6)
        let bytes = RandomTensor.bytes(format: .q4_1, elements: 32 * 160, using: &random)
        let matrix = try bytes.withUnsafeBytes {
            try PackedMatrix(format: .q4_1, rows: 32, columns: 160, bytes: $0)
        }
        let x = random.floats(3 * 160).map { $0 * 5 }
        let weight = random.floats(160)
        var normalized = x
        for token in 0..<3 {
            normalized.withUnsafeMutableBufferPointer {
                let row = $0.baseAddress! + token * 160
                VectorKernels.rmsNorm(row, weight: weight, epsilon: 1e-5, count: 160, into: row, level: level)
            }
        }
        let batch = ActivationBatch(columns: 160, capacity: 3, precisions: [.integer, .float])
        batch.count = 3
        batch.prepareNormalized(
            rows: 0..<3,
            from: x,
            stride: 160,
            weight: weight,
            epsilon: 1e-5,
            level: level
        )
        var y = [Float](repeating: 0, count: 96)
        matrix.multiply(batch, into: &y, stride: 32, level: level)
        #expect(bits(y) == bits(product(matrix, normalized, count: 3, precision: .integer, level: level)))
    }

    @Test(arguments: TensorFormat.allCases, KernelLevel.supported)
    func `an activation that is not finite spoils its own row only`(format: TensorFormat, level: KernelLevel)
        throws
    {
        var random = TestRandom(seed: 2)
        let bytes = RandomTensor.bytes(format: format, elements: 16 * 256, using: &random)
        let matrix = try bytes.withUnsafeBytes {
            try PackedMatrix(format: format, rows: 16, columns: 256, bytes: $0)
        }
        for precision in Precision.allCases where precision == .float || !matrix.needsFloatActivations {
            var x = random.floats(3 * 256)
            let clean = product(matrix, x, count: 3, precision: precision, level: level)
            for bad: Float in [.nan, .infinity, -.infinity] {
                x[256 + 70] = bad
                let y = product(matrix, x, count: 3, precision: precision, level: level)
                #expect(y[0..<16] == clean[0..<16] && y[32..<48] == clean[32..<48])
                #expect(y[16..<32].allSatisfy { !$0.isFinite })
            }
            x[256 + 70] = 0
            // The largest finite and the smallest activations must not become NaN.
            for size: Float in [3e38, 1e-38, .leastNonzeroMagnitude, 0] {
                let y = product(
                    matrix,
                    x.map { $0 == 0 ? 0 : size },
                    count: 3,
                    precision: precision,
                    level: level
                )
                #expect(size == 3e38 || y.allSatisfy { $0.isFinite && abs($0) < 1 })
            }
        }
    }

    @Test(arguments: TensorFormat.allCases)
    func `weights of any bits are multiplied without a crash`(format: TensorFormat) throws {
        var random = TestRandom(seed: 99)
        let bytes = (0..<32 * 256 / format.blockElements * format.blockBytes).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
        let matrix = try bytes.withUnsafeBytes {
            try PackedMatrix(format: format, rows: 32, columns: 256, bytes: $0)
        }
        for level in KernelLevel.supported {
            for precision in Precision.allCases where precision == .float || !matrix.needsFloatActivations {
                let y = product(matrix, random.floats(2 * 256), count: 2, precision: precision, level: level)
                #expect(y.count == 64)
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
