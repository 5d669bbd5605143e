import CollabKernels

/// A matrix product in every way that there is, to see where which one wins.
struct ProductChoices {
    let matrix: ModelShape.Matrix
    let tokens: Int
    let rounds: Int
    let level: KernelLevel
    private let packed: PackedMatrix
    private let packedFloats: PackedMatrix
    private let stored: [UInt8]
    private let floats: [Float]

    init(_ matrix: ModelShape.Matrix, tokens: Int, rounds: Int, level: KernelLevel) throws {
        self.matrix = matrix
        self.tokens = tokens
        self.rounds = rounds
        self.level = level
        let memory = MatrixMemory()
        let pool = try WorkerPool(workers: 1)
        stored = matrix.randomBytes()
        packed = try matrix.packed(stored, memory: memory, pool: pool)
        let count = matrix.rows * matrix.columns
        let format = matrix.format
        floats = try stored.withUnsafeBytes { bytes in
            Result { () throws(KernelError) in
                try TensorConversion.dequantize(format, bytes: bytes, count: count)
            }
        }.get()
        let wide = ModelShape.Matrix(format: .f32, rows: matrix.rows, columns: matrix.columns)
        packedFloats = try wide.packed(floats.withUnsafeBytes { Array($0) }, memory: memory, pool: pool)
    }

    /// Billions of products a second: with the stored weights and integers or floats to multiply them with, with
    /// weights expanded to floats, and by the BLAS, each worker with a part of the rows, the weights being expanded
    /// before or every time.
    func measure(model: String, pool: WorkerPool) throws -> Measurement {
        let (rows, columns) = (matrix.rows, matrix.columns)
        let x = RandomBytes.floats(tokens * columns)
        nonisolated(unsafe) let y = UnsafeMutablePointer<Float>.allocate(capacity: tokens * rows)
        defer { y.deallocate() }
        let products = Double(tokens * rows * columns) / 1e9
        var figures: [String: Double] = [:]
        for (name, matrix, precision) in [
            ("integers", packed, Precision.integer), ("floats", packed, .float),
            ("floats, f32 weights", packedFloats, .float),
        ] {
            let batch = ActivationBatch(
                columns: columns,
                capacity: tokens,
                precisions: [precision]
            )
            batch.count = tokens
            let timing = Timing(rounds: rounds) {
                pool.run { worker in
                    batch.prepare(
                        rows: pool.share(of: tokens, worker: worker),
                        from: x,
                        stride: columns,
                        level: level
                    )
                    pool.barrier()
                    matrix.multiply(
                        batch,
                        into: y,
                        stride: rows,
                        groups: pool.share(of: matrix.groupCount, worker: worker),
                        level: level
                    )
                }
            }
            figures["GMAC/s \(name)"] = products / timing.median
        }
        for expands in [false, true] {
            let timing = Timing(rounds: rounds) {
                pool.run { worker in product(pool.share(of: rows, worker: worker), x, y, expands: expands) }
            }
            figures["GMAC/s BLAS\(expands ? ", weights expanded" : "")"] = products / timing.median
        }
        return Measurement(
            name: "\(model) product \(rows) × \(columns) \(matrix.format.rawValue)",
            conditions: ["threads": String(pool.workers), "tokens": String(tokens)],
            figures: figures
        )
    }

    /// Some rows of the product by the BLAS.
    private func product(_ part: Range<Int>, _ x: [Float], _ y: UnsafeMutablePointer<Float>, expands: Bool) {
        guard !part.isEmpty else { return }
        let columns = matrix.columns
        let elements = part.lowerBound * columns..<part.upperBound * columns
        func multiply(_ weights: UnsafePointer<Float>) {
            BLAS.sgemm(
                .normal,
                .transposed,
                m: tokens,
                n: part.count,
                k: columns,
                a: x,
                lda: columns,
                b: weights,
                ldb: columns,
                c: y + part.lowerBound,
                ldc: matrix.rows
            )
        }
        guard expands else {
            return floats.withUnsafeBufferPointer { multiply($0.baseAddress! + elements.lowerBound) }
        }
        let panel = UnsafeMutableBufferPointer<Float>.allocate(capacity: elements.count)
        defer { panel.deallocate() }
        stored.withUnsafeBytes { bytes in
            try? TensorConversion.dequantize(
                matrix.format,
                bytes: bytes,
                elements: elements,
                into: panel.baseAddress!,
                level: level
            )
        }
        multiply(panel.baseAddress!)
    }
}
