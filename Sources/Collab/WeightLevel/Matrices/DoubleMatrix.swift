internal import CollabKernels

/// A matrix in double precision, row by row, and the few things that merges do with whole ones.
struct DoubleMatrix: Sendable {
    var rows: Int
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

    /// Multiplies each row by a factor.
    mutating func scale(rows factors: [Double]) {
        let columns = columns
        values.withUnsafeMutableBufferPointer { values in
            for (row, factor) in factors.enumerated() {
                for place in row * columns..<(row + 1) * columns { values[place] *= factor }
            }
        }
    }

    static func + (left: DoubleMatrix, right: DoubleMatrix) -> DoubleMatrix {
        var sum = left
        sum.add(right)
        return sum
    }
}

/// The result of linear algebra as an error of this library's.
func solved<Value>(_ body: () throws(KernelError) -> Value) throws(CollabError) -> Value {
    do throws(KernelError) { return try body() } catch {
        throw CollabError(.unsupported, "A merge of whole matrices: \(error.message)", cause: error)
    }
}
