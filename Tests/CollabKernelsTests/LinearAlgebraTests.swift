import Testing

@testable import CollabKernels

@Suite("Linear algebra in place", .enabled(if: LinearAlgebra.isAvailable, "install OpenBLAS"))
struct LinearAlgebraTests {
    private static func matrix(_ rows: Int, _ columns: Int, seed: UInt64) -> [Double] {
        var random = TestRandom(seed: seed)
        return (0..<rows * columns).map { _ in Double.random(in: -1...1, using: &random) }
    }

    /// A positive definite matrix.
    private static func definite(_ order: Int, seed: UInt64) throws -> [Double] {
        let root = matrix(order, order + 3, seed: seed)
        return (0..<order * order).map { place in
            let (row, column) = (place / order, place % order)
            return (0..<order + 3).map { root[row * (order + 3) + $0] * root[column * (order + 3) + $0] }
                .reduce(0, +)
        }
    }

    @Test("products of parts of matrices, as they stand and transposed, go to a part of another")
    func products() throws {
        let (a, b) = (Self.matrix(9, 8, seed: 1), Self.matrix(9, 8, seed: 2))
        // 3 × 4 times 4 × 5.
        for isFirstTurned in [false, true] {
            for isSecondTurned in [false, true] {
                let first = MatrixFactor(
                    a,
                    stride: 8,
                    rows: isFirstTurned ? 2..<6 : 2..<5,
                    columns: isFirstTurned ? 1..<4 : 1..<5
                )
                let second = MatrixFactor(
                    b,
                    stride: 8,
                    rows: isSecondTurned ? 3..<8 : 3..<7,
                    columns: isSecondTurned ? 2..<6 : 2..<7
                )
                for adding in [false, true] {
                    var c = Self.matrix(6, 7, seed: 3)
                    let before = c
                    try LinearAlgebra.multiply(
                        isFirstTurned ? first.transposed : first,
                        isSecondTurned ? second.transposed : second,
                        factor: -2,
                        adding: adding,
                        to: &c,
                        start: 2 * 7 + 1,
                        stride: 7
                    )
                    for row in 0..<6 {
                        for column in 0..<7 {
                            var wanted = before[row * 7 + column]
                            if (2..<5).contains(row), (1..<6).contains(column) {
                                wanted = adding ? wanted : 0
                                for k in 0..<4 {
                                    let (i, j) = (row - 2, column - 1)
                                    let left = isFirstTurned ? a[(2 + k) * 8 + 1 + i] : a[(2 + i) * 8 + 1 + k]
                                    let right =
                                        isSecondTurned ? b[(3 + j) * 8 + 2 + k] : b[(3 + k) * 8 + 2 + j]
                                    wanted -= 2 * left * right
                                }
                            }
                            #expect(abs(c[row * 7 + column] - wanted) < 1e-13)
                        }
                    }
                }
            }
        }
    }

    @Test("a product over no elements is 0, or nothing that is added")
    func emptyProducts() throws {
        let empty = MatrixFactor([], stride: 0, rows: 0..<2, columns: 0..<0)
        var c = [1.0, 2, 3, 4]
        try LinearAlgebra.multiply(empty, empty.transposed, adding: true, to: &c, start: 0, stride: 2)
        #expect(c == [1, 2, 3, 4])
        try LinearAlgebra.multiply(empty, empty.transposed, adding: false, to: &c, start: 0, stride: 2)
        #expect(c == [0, 0, 0, 0])
    }

    @Test("squares are added to the upper triangle alone", arguments: [false, true])
    func squares(_ isTurned: Bool) throws {
        let a = Self.matrix(4, 3, seed: 4)
        let stored = MatrixFactor(a, stride: 3, rows: 0..<4, columns: 0..<3)
        let order = isTurned ? 3 : 4
        var c = [Double](repeating: 1, count: order * order)
        try LinearAlgebra.addSquare(of: isTurned ? stored.transposed : stored, factor: 0.5, to: &c)
        for row in 0..<order {
            for column in 0..<order {
                var wanted = 1.0
                for k in 0..<7 - order where column >= row {
                    wanted +=
                        0.5
                        * (isTurned ? a[k * 3 + row] * a[k * 3 + column] : a[row * 3 + k] * a[column * 3 + k])
                }
                #expect(abs(c[row * order + column] - wanted) < 1e-14)
            }
        }
    }

    @Test(
        "the largest eigenvalues of the upper triangle, and their vectors, divided and otherwise",
        arguments: [1, 2, 7, 40],
        [0, 100]
    )
    func eigenvectors(_ order: Int, _ dividedOrder: Int) throws {
        let whole = try Self.definite(order, seed: UInt64(order))
        let all = try LinearAlgebra.symmetricEigenvectors(of: whole)
        for count in [1, (order + 1) / 2, order] {
            var upper = whole
            for row in 0..<order { for column in 0..<row { upper[row * order + column] = .nan } }
            let (values, vectors) = try LinearAlgebra.largestEigenvectors(
                count,
                using: &upper,
                order: order,
                dividingUpTo: dividedOrder
            )
            #expect(upper.isEmpty)
            #expect(values.count == count && vectors.count == count * order)
            for (index, value) in values.enumerated() {
                #expect(abs(value - all.values[order - count + index]) < 1e-12 * all.values[order - 1])
                let vector = vectors[index * order..<(index + 1) * order]
                #expect(abs(vector.map { $0 * $0 }.reduce(0, +) - 1) < 1e-12)
                for row in 0..<order {
                    let product = (0..<order).map { whole[row * order + $0] * vector[index * order + $0] }
                    let wanted = value * vector[index * order + row]
                    #expect(abs(product.reduce(0, +) - wanted) < 1e-11 * all.values[order - 1])
                }
            }
        }
    }

    @Test("equal eigenvalues have vectors at right angles, divided and otherwise", arguments: [0, 100])
    func equalEigenvalues(_ dividedOrder: Int) throws {
        let order = 30
        // Of rank 2; the unit matrix, exactly and nearly; nothing.
        for kind in 0..<4 {
            var matrix = [Double](repeating: 0, count: order * order)
            if kind == 0 {
                let root = Self.matrix(2, order, seed: 8)
                let factor = MatrixFactor(root, stride: order, rows: 0..<2, columns: 0..<order)
                try LinearAlgebra.addSquare(of: factor.transposed, to: &matrix)
            } else if kind < 3 {
                if kind == 2 { matrix = Self.matrix(order, order, seed: 9).map { 1e-16 * $0 } }
                for place in 0..<order { matrix[place * (order + 1)] += 1 }
            }
            let (values, vectors) = try LinearAlgebra.largestEigenvectors(
                order,
                using: &matrix,
                order: order,
                dividingUpTo: dividedOrder
            )
            let wanted = [2, 30, 30, 0][kind]
            #expect(values.filter { $0 > 1e-12 }.count == wanted)
            for first in 0..<order {
                for second in 0...first {
                    let products = (0..<order).map {
                        vectors[first * order + $0] * vectors[second * order + $0]
                    }
                    #expect(abs(products.reduce(0, +) - (first == second ? 1 : 0)) < 1e-12)
                }
            }
        }
    }

    @Test("eigenvectors take three times the matrix where it is divided, and twice otherwise")
    func eigenvectorSpace() {
        func matrices(_ order: Int) -> Double {
            Double(EigenvectorSpace(order: order).byteCount) / Double(8 * order * order)
        }
        #expect((3...3.01).contains(matrices(2048)))
        #expect((2...2.05).contains(matrices(2049)))
        // LAPACK's own formulas; with less it refuses to compute.
        let divided = EigenvectorSpace(order: 7, dividingUpTo: 7)
        #expect(divided.byteCount == 8 * (49 + 7 + 1 + 6 * 7 + 2 * 49) + 4 * (3 + 5 * 7))
        #expect(EigenvectorSpace.mostBytes(upTo: 100) == EigenvectorSpace(order: 100).byteCount)
        #expect(EigenvectorSpace.mostBytes(upTo: 2100) == EigenvectorSpace(order: 2048).byteCount)
        #expect(EigenvectorSpace.mostBytes(upTo: 4096) == EigenvectorSpace(order: 4096).byteCount)
    }

    @Test(
        "what is no number in a matrix is an error, not a search without end",
        arguments: [Double.nan, .infinity]
    )
    func notFinite(_ value: Double) {
        var matrix = [1, value, 0, 2]
        #expect(throws: KernelError.self) {
            try LinearAlgebra.largestEigenvectors(2, using: &matrix, order: 2)
        }
    }

    @Test("systems are solved by a factor that takes its matrix's place")
    func systems() throws {
        let order = 6
        let matrix = try Self.definite(order, seed: 12)
        var factor = matrix
        try LinearAlgebra.factorise(&factor, order: order)
        let sides = Self.matrix(3, order, seed: 13)
        var solutions = sides
        try LinearAlgebra.solve(factor: factor, order: order, &solutions)
        for side in 0..<3 {
            for row in 0..<order {
                let products = (0..<order).map { matrix[row * order + $0] * solutions[side * order + $0] }
                #expect(abs(products.reduce(0, +) - sides[side * order + row]) < 1e-10)
            }
        }
        var indefinite = [1.0, 2, 2, 1]
        #expect(throws: KernelError.self) { try LinearAlgebra.factorise(&indefinite, order: 2) }
    }
}
