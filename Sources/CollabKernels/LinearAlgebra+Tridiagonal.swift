internal import COpenBLAS

/// The steps of which eigenvectors are found that there is no memory for.
extension LinearAlgebra {
    /// Adds factor · op(A) · x to y, A being rows of a row-major matrix that are `stride` apart.
    package static func add(
        _ a: UnsafePointer<Double>,
        _ orientation: BLAS.Orientation = .normal,
        rows: Int,
        columns: Int,
        stride: Int,
        times x: UnsafePointer<Double>,
        factor: Double = 1,
        to y: UnsafeMutablePointer<Double>
    ) throws(KernelError) {
        guard rows > 0, columns > 0 else { return }
        let isDone = collab_blas_dgemv(orientation == .transposed, rows, columns, factor, a, stride, x, y)
        try check(isDone ? 0 : .min, what: "")
    }

    /// Solves op(U) · X = B, or X · op(U) = B, for a part of a matrix, which becomes X.
    ///
    /// - Parameters:
    ///   - triangle: U, an upper triangle, square; what is below its diagonal is not read.
    ///   - order: its order.
    ///   - isRight: whether X stands left of it.
    ///   - isTransposed: whether it is transposed.
    ///   - matrix: the matrix, row by row, of so many columns.
    ///   - start: the part's first element.
    ///   - count: how many columns of B there are, or rows where X stands left.
    package static func solve(
        triangle: [Double],
        order: Int,
        isRight: Bool,
        isTransposed: Bool,
        in matrix: inout [Double],
        columns: Int,
        start: Int,
        count: Int
    ) throws(KernelError) {
        guard order > 0, count > 0 else { return }
        let (rows, width) = isRight ? (count, order) : (order, count)
        precondition(triangle.count == order * order)
        precondition(width <= columns && start >= 0 && start + (rows - 1) * columns + width <= matrix.count)
        let isDone = matrix.withUnsafeMutableBufferPointer { matrix in
            guard let first = matrix.baseAddress else { return false }
            return collab_blas_dtrsm(
                isRight,
                isTransposed,
                rows,
                width,
                triangle,
                order,
                first + start,
                columns
            )
        }
        try check(isDone ? 0 : .min, what: "")
    }

    /// The eigenvalues of a symmetric tridiagonal matrix, ascending, and its eigenvectors of unit length as rows (`dstedc`).
    ///
    /// - Parameters:
    ///   - diagonal: the diagonal.
    ///   - beside: what stands beside it, a number less.
    package static func tridiagonalEigenvectors(
        diagonal: [Double],
        beside: [Double]
    ) throws(KernelError) -> (values: [Double], vectors: [Double]) {
        let order = diagonal.count
        precondition(beside.count == max(0, order - 1))
        var (values, rest) = (diagonal, beside + [0])
        var vectors = [Double](repeating: 0, count: order * order)
        var work = [Double](repeating: 0, count: 1 + 4 * order + order * order)
        var wholeWork = [Int32](repeating: 0, count: 3 + 5 * order)
        let info = collab_lapack_stedc(
            order,
            &values,
            &rest,
            &vectors,
            &work,
            work.count,
            &wholeWork,
            wholeWork.count
        )
        try check(info, what: "The eigenvalues did not converge.")
        return (values, vectors)
    }

    /// An eigenvalue of D + ρ z zᵀ (`dlaed4`), D diagonal.
    ///
    /// - Parameters:
    ///   - place: which, from the smallest on.
    ///   - values: D, ascending.
    ///   - parts: z, of length 1.
    ///   - factor: ρ, above 0.
    ///   - differences: becomes D less the eigenvalue, more exactly than a subtraction is; where there are no more than two,
    ///     the parts of the eigenvector instead.
    package static func updatedEigenvalue(
        _ place: Int,
        of values: [Double],
        parts: [Double],
        factor: Double,
        differences: inout [Double]
    ) throws(KernelError) -> Double {
        precondition(parts.count == values.count && differences.count == values.count)
        var value = 0.0
        let info = collab_lapack_laed4(values.count, place, values, parts, &differences, factor, &value)
        try check(info, what: "The eigenvalues did not converge.")
        return value
    }
}
