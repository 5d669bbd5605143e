import Collab
import CollabKernels

/// A matrix as a sum of products of two vectors, Σ lₖ rₖᵀ, in double precision.
///
/// The change of a low-rank adapter is one: its left vectors are the columns of s B, its right vectors the rows of A.
struct RankOneSum {
    /// The lₖ, each as long as the matrix has rows.
    var left: [[Double]]
    /// The rₖ, each as long as the matrix has columns.
    var right: [[Double]]

    /// The terms of both.
    static func + (a: RankOneSum, b: RankOneSum) -> RankOneSum {
        RankOneSum(left: a.left + b.left, right: a.right + b.right)
    }

    /// The change of a module, times a weight.
    init(_ module: LowRankAdapter.Module, times weight: Double = 1) {
        let (rows, columns) = (module.shape[0], module.shape[1])
        let factor = weight * Double(module.scale)
        left = (0..<module.rank).map { k in
            (0..<rows).map { factor * Double(module.b[$0 * module.rank + k]) }
        }
        right = (0..<module.rank).map { k in module.a[k * columns..<(k + 1) * columns].map { Double($0) } }
    }

    init(left: [[Double]], right: [[Double]]) {
        self.left = left
        self.right = right
    }

    /// The same matrix with orthogonal vectors on both sides, largest term first, each σ shared evenly between its two
    /// vectors; and the σ.
    ///
    /// Both sides are orthonormalised, L = Q_L R_L and R = Q_R R_R, and only R_L R_Rᵀ, which is as small as there are terms,
    /// is decomposed: the matrix itself is never formed.
    func decomposed() -> (sum: RankOneSum, values: [Double]) {
        let (leftBasis, leftParts) = orthonormalised(left)
        let (rightBasis, rightParts) = orthonormalised(right)
        var core = [[Double]](repeating: Array(repeating: 0, count: leftBasis.count), count: rightBasis.count)
        for term in left.indices {
            for i in rightBasis.indices where rightParts[term][i] != 0 {
                for j in leftBasis.indices { core[i][j] += leftParts[term][j] * rightParts[term][i] }
            }
        }
        // core's columns belong to the right basis.
        let parts = singularParts(ofColumns: core)
        var sum = RankOneSum(left: [], right: [])
        for part in parts {
            let root = part.value.squareRoot()
            sum.left.append(combined(leftBasis, part.left, times: root))
            sum.right.append(combined(rightBasis, part.right, times: root))
        }
        return (sum, parts.map(\.value))
    }

    /// The best approximation of a rank (C. Eckart and G. Young, 1936).
    ///
    /// - Parameters:
    ///   - rank: the most terms.
    ///   - energy: terms are added until they hold this share of Σ σ².
    ///   - total: Σ σ² of all; that of the terms if `nil`.
    func truncated(to rank: Int, energy: Double = 1, of total: Double? = nil) -> RankOneSum {
        let (sum, values) = decomposed()
        let whole = total ?? values.reduce(0) { $0 + $1 * $1 }
        // What is below the rounding of float32 factors is no part of the matrix.
        let least = (values.first ?? 0) * 1e-7
        var (count, held) = (0, 0.0)
        while count < min(rank, values.count), values[count] > least, held < energy * whole || count == 0 {
            held += values[count] * values[count]
            count += 1
        }
        return RankOneSum(left: Array(sum.left.prefix(count)), right: Array(sum.right.prefix(count)))
    }

    /// A module that changes a matrix by this; `nil` for no terms.
    func module(_ path: String) throws(CollabError) -> LowRankAdapter.Module? {
        guard let rows = left.first?.count, !right.isEmpty else { return nil }
        let rank = left.count
        return try LowRankAdapter.Module(
            path: path,
            rank: rank,
            scale: 1,
            a: right.flatMap { $0.map { Float($0) } },
            b: (0..<rows * rank).map { Float(left[$0 % rank][$0 / rank]) }
        )
    }
}

/// Σ cₖ vₖ, times a factor.
private func combined(_ vectors: [[Double]], _ shares: [Double], times factor: Double) -> [Double] {
    var sum = [Double](repeating: 0, count: vectors.first?.count ?? 0)
    for (vector, share) in zip(vectors, shares) { add(share * factor, vector, to: &sum) }
    return sum
}

/// y ← y + a x.
private func add(_ factor: Double, _ x: [Double], to y: inout [Double]) {
    x.withUnsafeBufferPointer { x in
        y.withUnsafeMutableBufferPointer { y in
            for place in x.indices { y[place] += factor * x[place] }
        }
    }
}

private func product(_ x: [Double], _ y: [Double]) -> Double {
    x.withUnsafeBufferPointer { x in
        y.withUnsafeBufferPointer { y in
            var sum = 0.0
            for place in x.indices { sum += x[place] * y[place] }
            return sum
        }
    }
}

/// Vectors of length 1 at right angles to one another that span the same space, and what each vector is made of, by
/// Gram's and Schmidt's method, done twice (W. Kahan's “twice is enough”). Vectors that depend on earlier ones add none.
func orthonormalised(_ vectors: [[Double]]) -> (basis: [[Double]], parts: [[Double]]) {
    var basis: [[Double]] = []
    var parts: [[Double]] = []
    for vector in vectors {
        var rest = vector
        var own = [Double](repeating: 0, count: basis.count)
        for _ in 0..<2 {
            for (place, direction) in basis.enumerated() {
                let along = product(rest, direction)
                own[place] += along
                add(-along, direction, to: &rest)
            }
        }
        let (length, whole) = (product(rest, rest).squareRoot(), product(vector, vector).squareRoot())
        if length > 1e-12 * whole, length > 0 {
            basis.append(rest.map { $0 / length })
            own.append(length)
        }
        parts.append(own)
    }
    return (basis, parts.map { $0 + Array(repeating: 0, count: basis.count - $0.count) })
}

/// The singular value decomposition of a small matrix, largest value first, by rotating its columns in pairs until they are
/// at right angles (M. Hestenes, *Inversion of Matrices by Biorthogonalization*, 1958).
private func singularParts(ofColumns columns: [[Double]]) -> [(
    value: Double, left: [Double], right: [Double]
)] {
    var columns = columns
    var turns = columns.indices.map { column in columns.indices.map { $0 == column ? 1.0 : 0 } }
    for _ in 0..<60 {
        var isDone = true
        for p in columns.indices {
            for q in columns.indices where q > p {
                let (a, b) = (product(columns[p], columns[p]), product(columns[q], columns[q]))
                let c = product(columns[p], columns[q])
                guard abs(c) > 1e-15 * (a * b).squareRoot() else { continue }
                isDone = false
                let ratio = (b - a) / (2 * c)
                let tangent = (ratio < 0 ? -1 : 1) / (abs(ratio) + (1 + ratio * ratio).squareRoot())
                let cosine = 1 / (1 + tangent * tangent).squareRoot()
                rotate(&columns, p, q, cosine, tangent * cosine)
                rotate(&turns, p, q, cosine, tangent * cosine)
            }
        }
        if isDone { break }
    }
    return zip(columns, turns)
        .map { column, turn in
            let value = product(column, column).squareRoot()
            return (value, value > 0 ? column.map { $0 / value } : column, turn)
        }
        .sorted { $0.value > $1.value }
}

private func rotate(_ vectors: inout [[Double]], _ p: Int, _ q: Int, _ cosine: Double, _ sine: Double) {
    for place in vectors[p].indices {
        let (x, y) = (vectors[p][place], vectors[q][place])
        vectors[p][place] = cosine * x - sine * y
        vectors[q][place] = sine * x + cosine * y
    }
}
