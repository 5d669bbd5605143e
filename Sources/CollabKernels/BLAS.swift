internal import COpenBLAS

/// Dense products in single precision through the system's BLAS where there is one, else through portable loops.
///
/// The library is loaded at run time (OpenBLAS on Linux, Accelerate on Apple's systems) and runs on the calling thread
/// alone: parallel callers split the work themselves.
public enum BLAS {
    /// Whether a system library was found.
    public static var isAvailable: Bool { collab_blas_available() }

    /// Which library computes, with its version and the kernels it chose.
    public static let description: String = {
        let text = String(cString: collab_blas_description())
        return text.isEmpty ? "portable loops (no BLAS library found)" : text
    }()

    /// Whether a matrix is read as stored or transposed.
    public enum Orientation: Sendable {
        /// As stored.
        case normal
        /// Rows and columns exchanged.
        case transposed
    }

    /// C = α · op(A) · op(B) + β · C; all matrices row-major.
    ///
    /// - Parameters:
    ///   - a: op(A) is m × k; rows are `lda` apart as stored.
    ///   - b: op(B) is k × n; rows are `ldb` apart as stored.
    ///   - c: m × n, rows `ldc` apart; not read when β is 0.
    public static func sgemm(
        _ orientationA: Orientation = .normal,
        _ orientationB: Orientation = .normal,
        m: Int,
        n: Int,
        k: Int,
        alpha: Float = 1,
        a: UnsafePointer<Float>,
        lda: Int,
        b: UnsafePointer<Float>,
        ldb: Int,
        beta: Float = 0,
        c: UnsafeMutablePointer<Float>,
        ldc: Int
    ) {
        precondition(m >= 0 && n >= 0 && k >= 0)
        guard m > 0, n > 0 else { return }
        let transposeA = orientationA == .transposed, transposeB = orientationB == .transposed
        if collab_blas_sgemm(transposeA, transposeB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) { return }
        portableSgemm(
            transposeA,
            transposeB,
            m: m,
            n: n,
            k: k,
            alpha: alpha,
            a: a,
            lda: lda,
            b: b,
            ldb: ldb,
            beta: beta,
            c: c,
            ldc: ldc
        )
    }

    /// The same by blocked loops.
    static func portableSgemm(
        _ transposeA: Bool,
        _ transposeB: Bool,
        m: Int,
        n: Int,
        k: Int,
        alpha: Float,
        a: UnsafePointer<Float>,
        lda: Int,
        b: UnsafePointer<Float>,
        ldb: Int,
        beta: Float,
        c: UnsafeMutablePointer<Float>,
        ldc: Int
    ) {
        for i in 0..<m {
            for j in 0..<n { c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j] }
        }
        // A panel of B that stays in the cache, copied so that its rows are contiguous.
        let depth = 256, width = 128
        withUnsafeTemporaryAllocation(of: Float.self, capacity: depth * width) { panel in
            guard let packed = panel.baseAddress else { return }
            for k0 in stride(from: 0, to: k, by: depth) {
                let depth = min(depth, k - k0)
                for j0 in stride(from: 0, to: n, by: width) {
                    let width = min(width, n - j0)
                    for p in 0..<depth {
                        for j in 0..<width {
                            packed[p * width + j] =
                                transposeB ? b[(j0 + j) * ldb + k0 + p] : b[(k0 + p) * ldb + j0 + j]
                        }
                    }
                    for i in 0..<m {
                        let row = c + i * ldc + j0
                        for p in 0..<depth {
                            let factor = alpha * (transposeA ? a[(k0 + p) * lda + i] : a[i * lda + k0 + p])
                            VectorKernels.add(factor, times: packed + p * width, count: width, to: row)
                        }
                    }
                }
            }
        }
    }
}
