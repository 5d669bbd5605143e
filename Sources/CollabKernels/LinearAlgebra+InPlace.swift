internal import COpenBLAS

/// What takes no memory beside its operands, for matrices that fill much of it.
///
/// Symmetric matrices are known by their upper triangles, row by row; what is below the diagonal is neither read nor
/// written.
extension LinearAlgebra {
    /// Puts factor · A · B into a part of a row-major matrix, or adds it to what is there.
    ///
    /// - Parameters:
    ///   - c: the matrix; its part has the rows of A and the columns of B.
    ///   - start: the part's first element.
    ///   - stride: how far apart the matrix's rows are.
    package static func multiply(
        _ a: MatrixFactor,
        _ b: MatrixFactor,
        factor: Double = 1,
        adding: Bool,
        to c: inout [Double],
        start: Int,
        stride: Int
    ) throws(KernelError) {
        let (m, n, k) = (a.rows, b.columns, a.columns)
        precondition(k == b.rows)
        guard m > 0, n > 0 else { return }
        precondition(n <= stride && start >= 0 && start + (m - 1) * stride + n <= c.count)
        let isDone = a.withAddress { first in
            b.withAddress { second in
                c.withUnsafeMutableBufferPointer { c in
                    guard let first, let second, let target = c.baseAddress else {
                        // A sum of no products.
                        for row in 0..<(adding ? 0 : m) {
                            c[start + row * stride..<start + row * stride + n].update(repeating: 0)
                        }
                        return true
                    }
                    return collab_blas_dgemm(
                        a.isTransposed,
                        b.isTransposed,
                        m,
                        n,
                        k,
                        factor,
                        first,
                        a.stride,
                        second,
                        b.stride,
                        adding ? 1 : 0,
                        target + start,
                        stride
                    )
                }
            }
        }
        try check(isDone ? 0 : .min, what: "")
    }

    /// Adds factor · A · Aᵀ to the upper triangle of a matrix of A's rows by A's rows.
    package static func addSquare(
        of a: MatrixFactor,
        factor: Double = 1,
        to c: inout [Double]
    ) throws(KernelError) {
        precondition(c.count == a.rows * a.rows)
        let isDone = a.withAddress { first in
            guard let first else { return true }
            return collab_blas_dsyrk(a.isTransposed, a.rows, a.columns, factor, first, a.stride, &c)
        }
        try check(isDone ? 0 : .min, what: "")
    }

    /// Puts Cholesky's factor of a positive definite matrix in its place (`dpotrf`).
    package static func factorise(_ matrix: inout [Double], order: Int) throws(KernelError) {
        precondition(matrix.count == order * order)
        let info = collab_lapack_potrf(order, &matrix)
        try check(info, what: "The matrix is not positive definite (minor \(info)).")
    }

    /// Solves A · x = b for several right sides by A's Cholesky factor (`dpotrs`); each becomes its solution.
    package static func solve(
        factor: [Double],
        order: Int,
        _ sides: inout [Double]
    ) throws(KernelError) {
        precondition(factor.count == order * order && (order == 0 || sides.count % order == 0))
        if order == 0 { return }
        try check(collab_lapack_potrs(order, sides.count / order, factor, &sides), what: "")
    }

    /// The largest eigenvalues of a symmetric matrix, ascending, and their eigenvectors of unit length as rows.
    ///
    /// Up to an order by dividing and conquering (`dsyevd`), which takes three times the matrix. Beyond it by relatively
    /// robust representations (`dsytrd`, `dstemr`, `dormtr`), which take twice the matrix, and longer. How much that is,
    /// ``EigenvectorSpace`` says.
    ///
    /// - Parameters:
    ///   - count: how many.
    ///   - matrix: the matrix, which is used up.
    ///   - order: its order.
    ///   - dividedOrder: the largest order that is divided.
    ///
    /// Throws ``KernelError`` where there is no LAPACK, for numbers that are not finite, and where it does not converge.
    package static func largestEigenvectors(
        _ count: Int,
        using matrix: inout [Double],
        order: Int,
        dividingUpTo dividedOrder: Int = LinearAlgebra.largestDividedOrder
    ) throws(KernelError) -> (values: [Double], vectors: [Double]) {
        precondition(matrix.count == order * order && (0...order).contains(count))
        if count == 0 { return ([], []) }
        // LAPACK may search for ever among numbers that are none.
        guard isUpperFinite(matrix, order) else {
            throw KernelError("The matrix has elements that are not finite.")
        }
        let space = EigenvectorSpace(order: order, dividingUpTo: dividedOrder)
        var values = [Double](repeating: 0, count: order)
        var work = [Double](repeating: 0, count: space.work)
        var wholeWork = [Int32](repeating: 0, count: space.wholeWork)
        let info: Int32
        if space.isDivided {
            info = collab_lapack_syevd(
                order,
                &matrix,
                &values,
                &work,
                work.count,
                &wholeWork,
                wholeWork.count
            )
        } else {
            var vectors = [Double](repeating: 0, count: space.vectors)
            info = collab_lapack_syevr(order, &matrix, &values, &vectors, &work, work.count, &wholeWork)
            matrix = vectors
        }
        try check(info, what: "The eigenvalues did not converge.")
        if count < order { matrix.removeFirst((order - count) * order) }
        defer { matrix = [] }
        return (Array(values.suffix(count)), matrix)
    }

    private static func isUpperFinite(_ matrix: [Double], _ order: Int) -> Bool {
        matrix.withUnsafeBufferPointer { matrix in
            for row in 0..<order {
                // A sum of zeros unless something is infinite or no number.
                var sum = 0.0
                for column in row..<order { sum += matrix[row * order + column] * 0 }
                if !sum.isFinite { return false }
            }
            return true
        }
    }
}
