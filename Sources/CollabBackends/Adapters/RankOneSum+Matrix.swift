import Collab
import CollabKernels

extension RankOneSum {
    /// The largest terms of a whole matrix, by multiplying it with random vectors.
    ///
    /// N. Halko, P. Martinsson and J. Tropp, *Finding Structure with Randomness*, 2011: the products with a few more random
    /// vectors than are wanted, made sharper by five rounds of Aᵀ and A, span the directions of the largest σ. Where so many
    /// vectors span everything, the result is exact.
    ///
    /// - Parameters:
    ///   - matrix: the elements, row by row.
    ///   - rank: the most terms.
    ///   - energy: terms are added until they hold this share of the matrix's squared norm.
    ///   - seed: where chance begins.
    init(of matrix: [Float], rows: Int, columns: Int, rank: Int, energy: Double = 1, seed: UInt64) {
        let width = min(rank + 8, rows, columns)
        var generator = SeededGenerator(seed: seed)
        // Signs do as well as normal numbers, and need no logarithms.
        var probes = (0..<width).map { _ in (0..<columns).map { _ in generator.next() & 1 == 0 ? 1.0 : -1 } }
        var basis: [[Double]] = []
        for round in 0..<6 {
            basis = orthonormalised(Self.products(matrix, rows, columns, probes)).basis
            if round < 5, !basis.isEmpty {
                probes = orthonormalised(Self.products(matrix, rows, columns, basis, transposed: true)).basis
            }
        }
        let total = matrix.reduce(0) { $0 + Double($1) * Double($1) }
        self = RankOneSum(
            left: basis,
            right: basis.isEmpty ? [] : Self.products(matrix, rows, columns, basis, transposed: true)
        )
        .truncated(to: rank, energy: energy, of: total)
    }

    /// A x or Aᵀ x of each vector.
    private static func products(
        _ matrix: [Float],
        _ rows: Int,
        _ columns: Int,
        _ vectors: [[Double]],
        transposed: Bool = false
    ) -> [[Double]] {
        let (inner, outer) = transposed ? (rows, columns) : (columns, rows)
        let flat = vectors.flatMap { $0.map { Float($0) } }
        var results = [Float](repeating: 0, count: vectors.count * outer)
        // Vectors are rows here: X Aᵀ, or X A.
        BLAS.sgemm(
            .normal,
            transposed ? .normal : .transposed,
            m: vectors.count,
            n: outer,
            k: inner,
            a: flat,
            lda: inner,
            b: matrix,
            ldb: columns,
            c: &results,
            ldc: outer
        )
        return vectors.indices.map { results[$0 * outer..<($0 + 1) * outer].map { Double($0) } }
    }
}
