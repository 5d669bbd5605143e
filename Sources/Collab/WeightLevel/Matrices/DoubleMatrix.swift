internal import CollabKernels

/// A matrix in double precision, row by row, and the few things that merges do with whole ones.
struct DoubleMatrix: Sendable {
    let rows: Int
    let columns: Int
    var values: [Double]

    init(rows: Int, columns: Int, values: [Double]) {
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    init(rows: Int, columns: Int) {
        self.init(rows: rows, columns: columns, values: [Double](repeating: 0, count: rows * columns))
    }

    var transposed: DoubleMatrix {
        var result = DoubleMatrix(rows: columns, columns: rows)
        let (rows, columns) = (rows, columns)
        values.withUnsafeBufferPointer { from in
            result.values.withUnsafeMutableBufferPointer { to in
                // In squares that stay in the cache.
                for top in stride(from: 0, to: rows, by: 32) {
                    for left in stride(from: 0, to: columns, by: 32) {
                        for row in top..<min(top + 32, rows) {
                            for column in left..<min(left + 32, columns) {
                                to[column * rows + row] = from[row * columns + column]
                            }
                        }
                    }
                }
            }
        }
        return result
    }

    /// This matrix transposed, times another.
    func transposed(times other: DoubleMatrix) throws(CollabError) -> DoubleMatrix {
        if columns == 0 || other.columns == 0 || rows == 0 {
            return DoubleMatrix(rows: columns, columns: other.columns)
        }
        let product = try solved { () throws(KernelError) in
            try LinearAlgebra.rowSums(values, columns: columns, other.values, columns: other.columns)
        }
        return DoubleMatrix(rows: columns, columns: other.columns, values: product)
    }

    /// The first rows.
    func prefix(_ count: Int) -> DoubleMatrix {
        let count = min(count, rows)
        return DoubleMatrix(rows: count, columns: columns, values: Array(values[..<(count * columns)]))
    }

    /// The rows, each times a factor.
    func scaled(rows factors: [Double]) -> DoubleMatrix {
        var result = self
        result.scale(rows: factors)
        return result
    }

    /// Multiplies each row by a factor.
    mutating func scale(rows factors: [Double]) {
        let columns = columns
        values.withUnsafeMutableBufferPointer { values in
            for (row, factor) in factors.enumerated() {
                for place in row * columns..<(row + 1) * columns { values[place] *= factor }
            }
        }
    }

    static func + (left: DoubleMatrix, right: DoubleMatrix) -> DoubleMatrix { left.combined(right, 1) }
    static func - (left: DoubleMatrix, right: DoubleMatrix) -> DoubleMatrix { left.combined(right, -1) }

    private func combined(_ other: DoubleMatrix, _ factor: Double) -> DoubleMatrix {
        var result = self
        result.values.withUnsafeMutableBufferPointer { sum in
            other.values.withUnsafeBufferPointer { other in
                for place in sum.indices { sum[place] += factor * other[place] }
            }
        }
        return result
    }

    /// The sum of matrices of one shape.
    static func sum(of matrices: [DoubleMatrix]) -> DoubleMatrix {
        matrices.dropFirst().reduce(matrices[0]) { $0 + $1 }
    }

    /// The rows of matrices, one below the other.
    static func stacked(_ matrices: [DoubleMatrix]) -> DoubleMatrix {
        DoubleMatrix(
            rows: matrices.reduce(0) { $0 + $1.rows },
            columns: matrices.first?.columns ?? 0,
            values: matrices.flatMap(\.values)
        )
    }

    /// A symmetric matrix's eigenvalues, largest first, and its eigenvectors as rows.
    func symmetricEigenvectors() throws(CollabError) -> (values: [Double], vectors: DoubleMatrix) {
        let found = try solved { () throws(KernelError) in try LinearAlgebra.symmetricEigenvectors(of: values)
        }
        var vectors = DoubleMatrix(rows: rows, columns: columns)
        for row in 0..<rows {
            let from = (rows - 1 - row) * columns
            vectors.values.replaceSubrange(
                row * columns..<(row + 1) * columns,
                with: found.vectors[from..<from + columns]
            )
        }
        return (found.values.reversed(), vectors)
    }
}

/// The result of linear algebra as an error of this library's.
func solved<Value>(_ body: () throws(KernelError) -> Value) throws(CollabError) -> Value {
    do throws(KernelError) { return try body() } catch {
        throw CollabError(.unsupported, "A merge of whole matrices: \(error.message)", cause: error)
    }
}
