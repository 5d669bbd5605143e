/// The largest eigenvalues and their eigenvectors of a symmetric matrix that there is no memory for.
///
/// Tridiagonal form, its eigenvectors by dividing and conquering, and these turned back, as LAPACK's `dsyevd` does it in
/// memory; scratch files of 24 n² bytes.
struct StoredEigenvectors {
    /// The eigenvalues, largest first.
    let values: [Double]
    /// The eigenvectors of unit length: the first rows of the matrix.
    let vectors: StoredMatrix

    /// - Parameters:
    ///   - count: how many.
    ///   - matrix: a square matrix, known by its upper triangle, which is used up.
    ///   - space: how much is done in memory.
    init(
        largest count: Int,
        using matrix: StoredMatrix,
        space: MatrixSpace = .usual
    ) throws(CollabError) {
        let order = matrix.rows
        let form = try Tridiagonalisation(using: matrix, panelLength: space.panelLength)
        let found = try DividedEigenvectors(
            diagonal: form.diagonal,
            beside: form.beside,
            largestLeaf: space.largestLeaf,
            stripElements: space.stripElements
        )
        let places = found.values.indices
            .sorted { (found.values[$0], $0) > (found.values[$1], $1) }
            .prefix(count)
        values = places.map { found.values[$0] }
        vectors = found.spare
        let length = TaskMatrices.length(of: space.stripElements, order)
        for strip in TaskMatrices.parts(of: count, length) {
            var rows = DoubleMatrix(rows: 0, columns: order)
            rows.values.reserveCapacity(strip.count * order)
            for place in places[strip] {
                rows.append(try found.vectors.part(rows: place..<place + 1), rows: 1)
            }
            try form.turn(&rows)
            try vectors.put(rows, row: strip.lowerBound)
        }
    }
}
