internal import CollabKernels

/// Cholesky's factor of a positive definite matrix in a scratch file, A = Uᵀ U, a strip of rows after another.
///
/// What earlier rows take from a strip is taken when its turn comes (left-looking), so that each row is written once.
struct StoredFactor: Sendable {
    private let matrix: StoredMatrix
    private let strips: [Range<Int>]

    /// The memory that factors and solutions take beside the right sides.
    static func byteCount(order: Int, stripElements: Int) -> Int {
        let length = min(order, TaskMatrices.length(of: stripElements, order))
        // A strip, its triangle, and a piece of earlier rows.
        return 8 * (length * order + 2 * length * length + 2 * max(pieceElements, order)) + 3072 * order
    }

    private static let pieceElements = 1 << 20

    /// - Parameters:
    ///   - matrix: the matrix, known by its upper triangle, which is used up.
    ///   - stripElements: how many elements are in memory at a time.
    init(of matrix: StoredMatrix, stripElements: Int) throws(CollabError) {
        self.matrix = matrix
        let order = matrix.rows
        strips = TaskMatrices.parts(of: order, TaskMatrices.length(of: stripElements, order))
        for rows in strips {
            let width = order - rows.lowerBound
            var strip = try matrix.part(rows: rows, columns: rows.lowerBound..<order)
            let step = TaskMatrices.length(of: Self.pieceElements, width)
            for places in TaskMatrices.parts(of: rows.lowerBound, step) {
                let above = try matrix.part(rows: places, columns: rows.lowerBound..<order)
                try strip.put(
                    above.factor(columns: 0..<rows.count).transposed,
                    times: above.factor,
                    factor: -1,
                    adding: true
                )
            }
            var triangle = Self.triangle(of: strip)
            try solved { () throws(KernelError) in
                try LinearAlgebra.factorise(&triangle.values, order: rows.count)
                try LinearAlgebra.solve(
                    triangle: triangle.values,
                    order: rows.count,
                    isRight: false,
                    isTransposed: true,
                    in: &strip.values,
                    columns: width,
                    start: rows.count,
                    count: width - rows.count
                )
            }
            strip.put(triangle, column: 0)
            try matrix.put(strip, row: rows.lowerBound, column: rows.lowerBound)
        }
    }

    private static func triangle(of strip: DoubleMatrix) -> DoubleMatrix {
        let order = strip.rows
        var triangle = DoubleMatrix(rows: order, columns: order)
        for row in 0..<order {
            for column in row..<order {
                triangle.values[row * order + column] = strip.values[row * strip.columns + column]
            }
        }
        return triangle
    }

    /// Solves X · A = B; each row becomes its solution.
    func solve(_ sides: inout DoubleMatrix) throws(CollabError) {
        for isBackward in [false, true] {
            for rows in isBackward ? strips.reversed() : strips {
                let rest = rows.upperBound..<sides.columns
                let strip = try matrix.part(rows: rows, columns: rows.lowerBound..<sides.columns)
                let beside = strip.factor(columns: rows.count..<strip.columns)
                if isBackward { try subtract(rest, beside.transposed, from: rows, &sides) }
                let triangle = Self.triangle(of: strip)
                let count = sides.rows
                try solved { () throws(KernelError) in
                    try LinearAlgebra.solve(
                        triangle: triangle.values,
                        order: rows.count,
                        isRight: true,
                        isTransposed: isBackward,
                        in: &sides.values,
                        columns: sides.columns,
                        start: rows.lowerBound,
                        count: count
                    )
                }
                if !isBackward { try subtract(rows, beside, from: rest, &sides) }
            }
        }
    }

    /// Subtracts the product of some columns and a factor from other columns.
    private func subtract(
        _ places: Range<Int>,
        _ factor: MatrixFactor,
        from target: Range<Int>,
        _ sides: inout DoubleMatrix
    ) throws(CollabError) {
        // Copied, since the same matrix is written.
        var own = DoubleMatrix(rows: sides.rows, columns: places.count)
        for row in 0..<sides.rows {
            let start = row * sides.columns
            own.values.replaceSubrange(
                row * places.count..<(row + 1) * places.count,
                with: sides.values[start + places.lowerBound..<start + places.upperBound]
            )
        }
        try sides.put(own.factor, times: factor, factor: -1, adding: true, column: target.lowerBound)
    }
}
