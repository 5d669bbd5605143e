import CollabKernels
import Testing

@testable import Collab

@Suite("Eigenvectors from scratch files", .enabled(if: LinearAlgebra.isAvailable, "install OpenBLAS"))
struct StoredEigenvectorTests {
    /// Everything small, so that little matrices go through all steps.
    static let small = MatrixSpace(
        mostBytes: 0,
        panelLength: 3,
        largestLeaf: 4,
        stripElements: 50,
        blockElements: 50
    )

    /// A symmetric matrix Σ xₖ xₖᵀ of so many terms.
    private static func gram(_ order: Int, terms: Int, seed: UInt64) throws -> DoubleMatrix {
        var generator = SeededGenerator(seed: seed)
        var factor = DoubleMatrix(rows: order, columns: terms)
        for place in factor.values.indices { factor.values[place] = generator.nextUnit() - 0.5 }
        var gram = DoubleMatrix(rows: order, columns: order)
        try gram.addSquare(of: factor.factor)
        gram.mirror()
        return gram
    }

    private static func expectEigenvectors(
        of matrix: DoubleMatrix,
        _ space: MatrixSpace = small,
        count: Int? = nil
    ) throws {
        let order = matrix.rows
        let count = count ?? order
        let stored = try StoredMatrix(rows: order, columns: order)
        var upper = matrix
        // What is below the diagonal is not read.
        for row in 0..<order { for column in 0..<row { upper.values[row * order + column] = .nan } }
        try stored.put(upper)
        let found = try StoredEigenvectors(largest: count, using: stored, space: space)
        var copy = matrix
        let wanted = try copy.takeLargestEigenvectors(count)
        let scale = max(1e-300, wanted.values.reduce(0) { max($0, abs($1)) })
        #expect(found.values.count == count)
        for (one, other) in zip(found.values, wanted.values) { #expect(abs(one - other) < 1e-13 * scale) }
        let vectors = try found.vectors.part(rows: 0..<count)
        var products = DoubleMatrix(rows: count, columns: count)
        try products.put(vectors.factor, times: vectors.factor.transposed)
        var images = DoubleMatrix(rows: count, columns: order)
        try images.put(vectors.factor, times: matrix.factor)
        for row in 0..<count {
            for column in 0..<count {
                #expect(abs(products.values[row * count + column] - (row == column ? 1 : 0)) < 2e-13)
            }
            for column in 0..<order {
                let image = images.values[row * order + column]
                let multiple = found.values[row] * vectors.values[row * order + column]
                #expect(abs(image - multiple) < 2e-13 * scale)
            }
        }
    }

    @Test("are LAPACK's: of unit length, at right angles, and only longer for the matrix", arguments: 1...40)
    func random(_ order: Int) throws {
        try Self.expectEigenvectors(of: try Self.gram(order, terms: order + 3, seed: UInt64(order)))
    }

    @Test("of matrices of low rank, whose other eigenvalues are all 0", arguments: [1, 2, 7])
    func lowRank(_ terms: Int) throws {
        try Self.expectEigenvectors(of: try Self.gram(29, terms: terms, seed: 5))
    }

    @Test(
        "of matrices with eigenvalues that repeat: nothing, the unit matrix, two values, equal blocks, one row"
    )
    func repeated() throws {
        var (nothing, unit, two) = (
            DoubleMatrix(rows: 21, columns: 21), DoubleMatrix(rows: 21, columns: 21),
            DoubleMatrix(rows: 21, columns: 21)
        )
        for place in 0..<21 {
            unit.values[place * 22] = 1
            two.values[place * 22] = place % 2 == 0 ? -3 : 5
        }
        try Self.expectEigenvectors(of: nothing)
        try Self.expectEigenvectors(of: unit)
        try Self.expectEigenvectors(of: two)
        let block = try Self.gram(7, terms: 9, seed: 3)
        var blocks = DoubleMatrix(rows: 21, columns: 21)
        for start in [0, 7, 14] {
            for row in 0..<7 {
                for column in 0..<7 {
                    blocks.values[(start + row) * 21 + start + column] = block.values[row * 7 + column]
                }
            }
        }
        try Self.expectEigenvectors(of: blocks)
        for place in 0..<21 {
            nothing.values[place] = Double(place + 1)
            nothing.values[place * 21] = Double(place + 1)
        }
        try Self.expectEigenvectors(of: nothing)
    }

    @Test("of elements of any size", arguments: [1e-140, 1e-30, 1e30, 1e120])
    func sizes(_ scale: Double) throws {
        var matrix = try Self.gram(23, terms: 30, seed: 8)
        for place in matrix.values.indices { matrix.values[place] *= scale }
        try Self.expectEigenvectors(of: matrix)
    }

    @Test("of eigenvalues that are many orders apart")
    func graded() throws {
        var matrix = try Self.gram(30, terms: 33, seed: 4)
        for row in 0..<30 {
            for column in 0..<30 {
                matrix.values[row * 30 + column] *= Double(
                    sign: .plus,
                    exponent: -(row + column),
                    significand: 1
                )
            }
        }
        try Self.expectEigenvectors(of: matrix)
    }

    @Test("some of them, the largest first")
    func some() throws {
        for count in [0, 1, 5, 22] {
            try Self.expectEigenvectors(of: try Self.gram(23, terms: 30, seed: 2), count: count)
        }
    }

    @Test("with the sizes that large matrices have, beyond a panel and a part of LAPACK's")
    func usual() throws {
        var space = MatrixSpace.usual
        space.largestLeaf = 60
        try Self.expectEigenvectors(of: try Self.gram(150, terms: 160, seed: 6), space)
    }

    @Test("numbers that are none are refused")
    func notFinite() throws {
        let stored = try StoredMatrix(rows: 5, columns: 5)
        var matrix = try Self.gram(5, terms: 6, seed: 1)
        matrix.values[13] = .nan
        try stored.put(matrix)
        #expect(throws: CollabError.self) {
            try StoredEigenvectors(largest: 5, using: stored, space: Self.small)
        }
    }
}
