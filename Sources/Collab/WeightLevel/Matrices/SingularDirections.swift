/// What is left of a singular value decomposition A = Σ σₖ uₖ vₖᵀ, largest σ first.
///
/// It is found through the eigenvectors of the smaller of AᵀA and A Aᵀ, in double precision. Directions whose σ is below
/// 10⁻⁶ of the largest are rounding errors of float32 weights and are left out.
struct SingularDirections: Sendable {
    /// The uₖ as rows.
    var left: DoubleMatrix
    var values: [Double]
    /// The vₖ as rows.
    var right: DoubleMatrix

    static let tolerance = 1e-6

    init(left: DoubleMatrix, values: [Double], right: DoubleMatrix) {
        self.left = left
        self.values = values
        self.right = right
    }

    init(of matrix: DoubleMatrix) throws(CollabError) {
        let isWide = matrix.rows < matrix.columns
        let turned = matrix.transposed
        let (tall, wide) = isWide ? (turned, matrix) : (matrix, turned)
        let (squares, vectors) = try tall.transposed(times: tall).symmetricEigenvectors()
        let limit = Self.tolerance * Self.tolerance * max(0, squares.first ?? 0)
        let count = squares.prefix { $0 > limit }.count
        let values = squares.prefix(count).map { $0.squareRoot() }
        let short = vectors.prefix(count)
        // uₖ = A vₖ / σₖ: rows of V Aᵀ; and the other way round for the others.
        var long = try short.transposed.transposed(times: wide)
        long.scale(rows: values.map { 1 / $0 })
        self.init(left: isWide ? short : long, values: values, right: isWide ? long : short)
    }

    /// The directions of the largest values.
    func prefix(_ count: Int) -> SingularDirections {
        let count = min(count, values.count)
        return SingularDirections(
            left: left.prefix(count),
            values: Array(values.prefix(count)),
            right: right.prefix(count)
        )
    }

    /// Several lists of directions as one.
    static func joined(_ parts: [SingularDirections]) -> SingularDirections {
        SingularDirections(
            left: .stacked(parts.map(\.left)),
            values: parts.flatMap(\.values),
            right: .stacked(parts.map(\.right))
        )
    }

    /// The directions turned as little as possible so that they stand at right angles to one another.
    func orthogonalised() throws(CollabError) -> SingularDirections {
        SingularDirections(
            left: try left.withOrthogonalRows(),
            values: values,
            right: try right.withOrthogonalRows()
        )
    }

    /// Σ σₖ uₖ vₖᵀ, with other σ if they are given.
    func product(values other: [Double]? = nil) throws(CollabError) -> DoubleMatrix {
        try left.transposed(times: right.scaled(rows: other ?? values))
    }
}

extension DoubleMatrix {
    /// The nearest matrix with orthonormal rows, (R Rᵀ)^(−1/2) R: the solution of the Procrustes problem.
    func withOrthogonalRows() throws(CollabError) -> DoubleMatrix {
        if rows == 0 { return self }
        let transposed = transposed
        let (squares, vectors) = try transposed.transposed(times: transposed).symmetricEigenvectors()
        let limit = 1e-12 * max(0, squares.first ?? 0)
        let roots = squares.map { $0 > limit ? 1 / $0.squareRoot() : 0 }
        // Σ vₖ λₖ^(−1/2) vₖᵀ is symmetric.
        let root = try vectors.transposed(times: vectors.scaled(rows: roots))
        return try root.transposed(times: self)
    }
}
