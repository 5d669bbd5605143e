import Collab
import CollabKernels

extension FeatureTable {
    /// The scalar products of all questions with several vectors: one row a question, one column a vector.
    ///
    /// - Parameters:
    ///   - vectors: ``dimension`` numbers each, one after another.
    ///   - count: how many vectors.
    func products(with vectors: [Float], count: Int) -> [Float] {
        let width = dimension
        precondition(vectors.count >= count * width)
        var result = [Float](repeating: 0, count: self.count * count)
        switch self {
        case .dense(let table) where count == 1:
            LinearAlgebra.product(
                rows: table.rows,
                columns: width,
                of: table.values,
                with: vectors,
                into: &result
            )
        case .dense(let table):
            BLAS.sgemm(
                .normal,
                .transposed,
                m: table.rows,
                n: count,
                k: width,
                a: table.values,
                lda: width,
                b: vectors,
                ldb: width,
                c: &result,
                ldc: count
            )
        case .sparse(let rows, _):
            for (row, sparse) in rows.enumerated() {
                for vector in 0..<count {
                    let base = vector * width
                    var sum: Float = 0
                    for (place, value) in zip(sparse.indices, sparse.values) where place < width {
                        sum += value * vectors[base + Int(place)]
                    }
                    result[row * count + vector] = sum
                }
            }
        }
        return result
    }

    /// Sums of all questions, each taken as often as a factor says: one row of ``dimension`` numbers for each column of
    /// factors.
    ///
    /// - Parameters:
    ///   - factors: one row a question.
    ///   - columns: how many factors a row has.
    func sums(weightedBy factors: [Float], columns: Int) -> [Float] {
        let width = dimension
        precondition(factors.count == count * columns)
        var result = [Float](repeating: 0, count: columns * width)
        switch self {
        case .dense(let table) where columns == 1:
            LinearAlgebra.product(
                .transposed,
                rows: table.rows,
                columns: width,
                of: table.values,
                with: factors,
                into: &result
            )
        case .dense(let table):
            BLAS.sgemm(
                .transposed,
                .normal,
                m: columns,
                n: width,
                k: table.rows,
                a: factors,
                lda: columns,
                b: table.values,
                ldb: width,
                c: &result,
                ldc: width
            )
        case .sparse(let rows, _):
            for (row, sparse) in rows.enumerated() {
                for column in 0..<columns {
                    let (factor, base) = (factors[row * columns + column], column * width)
                    for (place, value) in zip(sparse.indices, sparse.values) where place < width {
                        result[base + Int(place)] += factor * value
                    }
                }
            }
        }
        return result
    }
}
