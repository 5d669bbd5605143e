internal import CollabKernels

// What takes next to no memory beside the matrices.
extension DoubleMatrix {
    /// The matrix as a factor.
    var factor: MatrixFactor { factor(rows: 0..<rows) }

    /// A part of the matrix as a factor.
    func factor(rows: Range<Int>? = nil, columns: Range<Int>? = nil) -> MatrixFactor {
        MatrixFactor(
            values,
            stride: self.columns,
            rows: rows ?? 0..<self.rows,
            columns: columns ?? 0..<self.columns
        )
    }

    /// Puts the product of two matrices, times a factor, where its upper left corner is at a place, or adds it there.
    mutating func put(
        _ a: MatrixFactor,
        times b: MatrixFactor,
        factor: Double = 1,
        adding: Bool = false,
        row: Int = 0,
        column: Int = 0
    ) throws(CollabError) {
        let (start, stride) = (row * columns + column, columns)
        try solved { () throws(KernelError) in
            try LinearAlgebra.multiply(
                a,
                b,
                factor: factor,
                adding: adding,
                to: &values,
                start: start,
                stride: stride
            )
        }
    }

    /// Adds A · Aᵀ, times a factor, to the upper triangle of this square matrix.
    mutating func addSquare(of a: MatrixFactor, factor: Double = 1) throws(CollabError) {
        try solved { () throws(KernelError) in
            try LinearAlgebra.addSquare(of: a, factor: factor, to: &values)
        }
    }

    /// Copies what is above the diagonal of a square matrix to below it.
    mutating func mirror() {
        let count = rows
        values.withUnsafeMutableBufferPointer { values in
            // In squares that stay in the cache.
            for top in stride(from: 0, to: count, by: 32) {
                for left in stride(from: 0, through: top, by: 32) {
                    for row in top..<min(top + 32, count) {
                        for column in left..<min(left + 32, row) {
                            values[row * count + column] = values[column * count + row]
                        }
                    }
                }
            }
        }
    }

    /// The largest eigenvalues, largest first, and eigenvectors as rows of a symmetric matrix that is known by its upper
    /// triangle; it is used up.
    mutating func takeLargestEigenvectors(
        _ count: Int
    ) throws(CollabError) -> (values: [Double], vectors: DoubleMatrix) {
        let order = rows
        var found = try solved { () throws(KernelError) in
            try LinearAlgebra.largestEigenvectors(count, using: &values, order: order)
        }
        self = DoubleMatrix(rows: 0, columns: 0)
        found.vectors.withUnsafeMutableBufferPointer { vectors in
            for row in 0..<count / 2 {
                for column in 0..<order {
                    vectors.swapAt(row * order + column, (count - 1 - row) * order + column)
                }
            }
        }
        return (
            found.values.reversed(), DoubleMatrix(rows: count, columns: order, values: found.vectors)
        )
    }

    /// The inverse of the square root of a symmetric matrix without negative eigenvalues, which is known by its upper
    /// triangle and used up; directions of no more than 10⁻¹² of the largest eigenvalue become 0.
    mutating func takeInverseRoot() throws(CollabError) -> DoubleMatrix {
        var (squares, vectors) = try takeLargestEigenvectors(rows)
        let limit = 1e-12 * max(0, squares.first ?? 0)
        // Σ vₖ λₖ^(−1/2) vₖᵀ is the square of Σ λₖ^(−1/4) vₖ.
        vectors.scale(rows: squares.map { $0 > limit ? 1 / $0.squareRoot().squareRoot() : 0 })
        var root = DoubleMatrix(rows: squares.count, columns: squares.count)
        try root.addSquare(of: vectors.factor.transposed)
        root.mirror()
        return root
    }

    /// Puts another matrix in the place of some columns.
    mutating func put(_ other: DoubleMatrix, column: Int) {
        for row in 0..<other.rows {
            let from = row * other.columns
            values.replaceSubrange(
                row * columns + column..<row * columns + column + other.columns,
                with: other.values[from..<from + other.columns]
            )
        }
    }

    /// Adds another matrix of as many columns to the rows from one on.
    mutating func add(_ other: DoubleMatrix, row: Int = 0) {
        let start = row * columns
        values.withUnsafeMutableBufferPointer { sum in
            other.values.withUnsafeBufferPointer { other in
                for place in other.indices { sum[start + place] += other[place] }
            }
        }
    }

    /// Adds the first rows of another matrix below the last.
    mutating func append(_ other: DoubleMatrix, rows count: Int) {
        values.append(contentsOf: other.values[..<(count * columns)])
        rows += count
    }

    /// Multiplies each column by a factor.
    mutating func scale(columns factors: [Double]) {
        let (rows, columns) = (rows, columns)
        values.withUnsafeMutableBufferPointer { values in
            for row in 0..<rows {
                for column in 0..<columns { values[row * columns + column] *= factors[column] }
            }
        }
    }

    /// Some rows of a matrix.
    init(copying other: DoubleMatrix, rows: Range<Int>) {
        let places = rows.lowerBound * other.columns..<rows.upperBound * other.columns
        self.init(rows: rows.count, columns: other.columns, values: Array(other.values[places]))
    }
}
