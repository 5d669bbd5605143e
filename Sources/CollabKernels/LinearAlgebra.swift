internal import COpenBLAS

/// Systems of equations and decompositions in double precision, through the LAPACK of the system's library.
///
/// The library is the one that ``BLAS`` found; a BLAS without LAPACK gives an error, not a slow answer. Matrices are
/// row-major; symmetric ones are the same either way.
public enum LinearAlgebra {
    /// Whether the system's library has LAPACK.
    public static var isAvailable: Bool { collab_blas_available() && collab_lapack_available() }

    /// Solves A · x = b for several right sides, A symmetric and positive definite, by Cholesky's factors (`dposv`).
    ///
    /// - Parameters:
    ///   - matrix: n × n; only the lower or the upper triangle has to be right where they agree by symmetry.
    ///   - sides: the right sides, n numbers each, one after another.
    /// - Returns: the solutions, laid out like the right sides.
    ///
    /// Throws ``KernelError`` where there is no LAPACK, where the sizes do not fit, and where A is not positive definite.
    public static func solvePositiveDefinite(
        _ matrix: [Double],
        _ sides: [Double]
    ) throws(KernelError) -> [Double] {
        let order = Int(Double(matrix.count).squareRoot().rounded())
        guard order * order == matrix.count, order > 0, sides.count % order == 0 else {
            throw KernelError(
                "A matrix of \(matrix.count) numbers and right sides of \(sides.count) do not fit."
            )
        }
        var (factor, solution) = (matrix, sides)
        let info = collab_lapack_posv(order, sides.count / order, &factor, &solution)
        try check(info, what: "The matrix is not positive definite (minor \(info)).")
        return solution
    }

    /// The eigenvalues of a symmetric matrix, ascending, and its eigenvectors of unit length as rows (`dsyevd`).
    ///
    /// Throws ``KernelError`` where there is no LAPACK, where the matrix is not square, and where it does not converge.
    public static func symmetricEigenvectors(
        of matrix: [Double]
    ) throws(KernelError) -> (values: [Double], vectors: [Double]) {
        let order = Int(Double(matrix.count).squareRoot().rounded())
        guard order * order == matrix.count, order > 0 else {
            throw KernelError("\(matrix.count) numbers are no square matrix.")
        }
        var (vectors, values) = (matrix, [Double](repeating: 0, count: order))
        var work = [Double](repeating: 0, count: 1 + 6 * order + 2 * order * order)
        var wholeWork = [Int32](repeating: 0, count: 3 + 5 * order)
        let info = collab_lapack_syevd(
            order,
            &vectors,
            &values,
            &work,
            work.count,
            &wholeWork,
            wholeWork.count
        )
        try check(info, what: "The eigenvalues did not converge.")
        return (values, vectors)
    }

    /// y = op(A) · x in single precision, A m × n row-major as stored.
    public static func product(
        _ orientation: BLAS.Orientation = .normal,
        rows: Int,
        columns: Int,
        of a: UnsafePointer<Float>,
        with x: UnsafePointer<Float>,
        into y: UnsafeMutablePointer<Float>
    ) {
        precondition(rows >= 0 && columns >= 0)
        let transposed = orientation == .transposed
        if collab_blas_available(), rows > 0, columns > 0,
            collab_blas_sgemv(transposed, rows, columns, a, columns, x, y)
        {
            return
        }
        BLAS.sgemm(
            orientation,
            m: transposed ? columns : rows,
            n: 1,
            k: transposed ? rows : columns,
            a: a,
            lda: max(columns, 1),
            b: x,
            ldb: 1,
            c: y,
            ldc: 1
        )
    }

    /// Aᵀ · B in double precision, A k × m and B k × n row-major: sums over the rows of two tables.
    ///
    /// Throws ``KernelError`` where there is no LAPACK and where the sizes do not fit.
    public static func rowSums(
        _ a: [Double],
        columns m: Int,
        _ b: [Double],
        columns n: Int
    ) throws(KernelError) -> [Double] {
        guard m > 0, n > 0, a.count % m == 0, b.count == a.count / m * n else {
            throw KernelError("\(a.count) numbers in \(m) columns and \(b.count) in \(n) do not fit.")
        }
        var sums = [Double](repeating: 0, count: m * n)
        guard collab_blas_dgemm(true, false, m, n, a.count / m, 1, a, m, b, n, 0, &sums, n) else {
            try check(.min, what: "")
            return sums
        }
        return sums
    }

    static func check(_ info: Int32, what: String) throws(KernelError) {
        if info == 0 { return }
        if info > 0 { throw KernelError(what) }
        if info == .min {
            throw KernelError("No LAPACK was found; install OpenBLAS (libopenblas0 on Debian and Ubuntu).")
        }
        throw KernelError("LAPACK refused its argument \(-info).")
    }
}
