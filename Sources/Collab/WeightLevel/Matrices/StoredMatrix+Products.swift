internal import CollabKernels

/// Products of matrices that there is no memory for: strips of the result are in memory, and pieces of what is multiplied.
extension StoredMatrix {
    /// How many elements of a factor are in memory at a time.
    private static let pieceElements = 1 << 20

    /// The memory that products with so many columns take, strips of so many elements in them.
    static func productByteCount(columns: Int, stripElements: Int) -> Int {
        8 * (max(stripElements, columns) + 3 * max(pieceElements, columns))
    }

    /// The places of rows that are read at a time.
    private func pieces(of rows: Range<Int>) -> [Range<Int>] {
        TaskMatrices.parts(of: rows, TaskMatrices.length(of: Self.pieceElements, columns))
    }

    /// Σ wₖ xₖ xₖᵀ of the rows xₖ: a square matrix, or the upper triangle of one.
    ///
    /// - Parameters:
    ///   - count: how many elements of each row; `nil` for all.
    ///   - weights: the wₖ; `nil` for ones.
    ///   - isUpper: whether what is below the diagonal is of no use.
    func rowSquares(
        columns count: Int? = nil,
        weights: [Double]? = nil,
        isUpper: Bool,
        stripElements: Int
    ) throws(CollabError) -> StoredMatrix {
        let count = count ?? columns
        let result = try StoredMatrix(rows: count, columns: count)
        for places in TaskMatrices.parts(of: count, TaskMatrices.length(of: stripElements, count)) {
            let to = isUpper ? places.lowerBound..<count : 0..<count
            var strip = DoubleMatrix(rows: places.count, columns: to.count)
            for rows in pieces(of: 0..<self.rows) {
                let piece = try part(rows: rows, columns: to)
                var own = try part(rows: rows, columns: places)
                if let weights { own.scale(rows: Array(weights[rows])) }
                try strip.put(own.factor.transposed, times: piece.factor, adding: true)
            }
            try result.put(strip, row: places.lowerBound, column: to.lowerBound)
        }
        return result
    }

    /// The inner products of the first rows: the upper triangle.
    func innerProducts(_ count: Int, stripElements: Int) throws(CollabError) -> StoredMatrix {
        let result = try StoredMatrix(rows: count, columns: count)
        // A strip of rows and one of the products.
        let step = TaskMatrices.length(of: stripElements / 2, max(count, columns))
        for places in TaskMatrices.parts(of: count, step) {
            let own = try part(rows: places)
            var strip = DoubleMatrix(rows: places.count, columns: count - places.lowerBound)
            for rows in pieces(of: places.lowerBound..<count) {
                try strip.put(
                    own.factor,
                    times: part(rows: rows).factor.transposed,
                    column: rows.lowerBound - places.lowerBound
                )
            }
            try result.put(strip, row: places.lowerBound, column: places.lowerBound)
        }
        return result
    }

    /// Adds some rows of another matrix, times this one's first rows, or some columns of those, to a matrix.
    func add(
        _ left: MatrixFactor,
        columns places: Range<Int>? = nil,
        factor: Double = 1,
        to result: inout DoubleMatrix
    ) throws(CollabError) {
        for rows in pieces(of: 0..<left.columns) {
            try result.put(
                left.columns(rows),
                times: part(rows: rows, columns: places).factor,
                factor: factor,
                adding: true
            )
        }
    }

    /// Some rows of another matrix times the transposed first rows of this one.
    func multipliedTransposed(by left: MatrixFactor, rows count: Int) throws(CollabError) -> DoubleMatrix {
        var result = DoubleMatrix(rows: left.rows, columns: count)
        for rows in pieces(of: 0..<count) {
            try result.put(left, times: part(rows: rows).factor.transposed, column: rows.lowerBound)
        }
        return result
    }

    /// Multiplies rows and columns by factors.
    func scale(rowsAndColumns factors: [Double], stripElements: Int) throws(CollabError) {
        for rows in TaskMatrices.parts(of: rows, TaskMatrices.length(of: stripElements, columns)) {
            var strip = try part(rows: rows)
            strip.scale(rows: Array(factors[rows]))
            strip.scale(columns: factors)
            try put(strip, row: rows.lowerBound)
        }
    }

    /// The inverse of the square root of a symmetric matrix without negative eigenvalues, which is known by its upper
    /// triangle and used up; directions of no more than 10⁻¹² of the largest eigenvalue become 0.
    func takeInverseRoot(_ space: MatrixSpace) throws(CollabError) -> StoredMatrix {
        let found = try StoredEigenvectors(largest: rows, using: self, space: space)
        let limit = 1e-12 * max(0, found.values.first ?? 0)
        return try found.vectors.rowSquares(
            weights: found.values.map { $0 > limit ? 1 / $0.squareRoot() : 0 },
            isUpper: false,
            stripElements: space.stripElements
        )
    }
}

/// L · F, or its transposed, of two matrices in scratch files, of which blocks of rows are computed.
struct StoredProduct: BlockwiseMatrix {
    /// A row for each place on the longer side of the result.
    let left: StoredMatrix
    /// A column for each place on the shorter side.
    let right: StoredMatrix
    /// How many of the left one's columns, and of the right one's rows, there are.
    let count: Int
    /// Whether the longer side is that of the columns.
    let isWide: Bool
    let rowsAtOnce: Int

    /// What the files' buffers take is counted where a block is.
    var byteCount: Int { 0 }

    func rows(_ range: Range<Int>) throws(CollabError) -> DoubleMatrix {
        guard isWide else {
            var result = DoubleMatrix(rows: range.count, columns: right.columns)
            try right.add(left.part(rows: range, columns: 0..<count).factor, to: &result)
            return result
        }
        let own = try right.part(rows: 0..<count, columns: range).transposed
        var result = DoubleMatrix(rows: range.count, columns: left.rows)
        let step = TaskMatrices.length(of: 1 << 20, left.columns)
        for places in TaskMatrices.parts(of: left.rows, step) {
            let piece = try left.part(rows: places, columns: 0..<count)
            try result.put(own.factor, times: piece.factor.transposed, column: places.lowerBound)
        }
        return result
    }
}
