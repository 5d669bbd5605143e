internal import CollabKernels

/// A symmetric matrix in a scratch file, brought into tridiagonal form by reflections that take its place there.
///
/// Householder's reduction in panels (J. Dongarra, S. Hammarling, D. Sorensen, *Block reduction of matrices to condensed
/// forms for eigenvalue computations*, 1989): A reflection's vector takes a product of what is left of the matrix as it was
/// before the panel, which is read once for each column; what a panel changes is written once. In memory are a panel and
/// pieces of the matrix.
struct Tridiagonalisation {
    /// The matrix's elements beside the diagonal become the reflections' vectors, one a row.
    private let matrix: StoredMatrix
    /// How many columns are reduced between two times that the matrix is written.
    private let panelLength: Int
    private(set) var diagonal: [Double]
    private(set) var beside: [Double]
    /// I − τ v vᵀ are the reflections.
    private var taus: [Double]

    private var order: Int { matrix.rows }
    static let usualPanelLength = 64
    /// How many elements of the matrix are in memory where each is used once: what stays in a core's cache.
    private static let pieceElements = 1 << 16
    /// The same where each is used often.
    private static let stripElements = 1 << 20

    /// The memory that it takes beside what others do.
    static func byteCount(order: Int) -> Int {
        8 * (3 * usualPanelLength * order + 2 * stripElements + pieceElements + 8 * order)
    }

    /// - Parameter matrix: a square matrix, known by its upper triangle; it is used up.
    ///
    /// Throws for elements that are not finite.
    init(
        using matrix: StoredMatrix,
        panelLength: Int = Tridiagonalisation.usualPanelLength
    ) throws(CollabError) {
        self.matrix = matrix
        self.panelLength = panelLength
        diagonal = [Double](repeating: 0, count: matrix.rows)
        beside = [Double](repeating: 0, count: max(0, matrix.rows - 1))
        taus = [Double](repeating: 0, count: matrix.rows)
        for start in stride(from: 0, to: order, by: panelLength) {
            try reduce(start..<min(start + panelLength, order))
        }
    }

    private mutating func reduce(_ panel: Range<Int>) throws(CollabError) {
        var vectors = DoubleMatrix(rows: panel.count, columns: order)
        var products = DoubleMatrix(rows: panel.count, columns: order)
        for column in panel {
            let place = column - panel.lowerBound
            var row = try matrix.part(rows: column..<column + 1, columns: column..<order).values
            try subtract(vectors, times: products, place, at: column, from: &row)
            try subtract(products, times: vectors, place, at: column, from: &row)
            guard row.allSatisfy(\.isFinite) else {
                throw CollabError(
                    .unsupported,
                    "A merge of whole matrices: The matrix has elements that are not finite."
                )
            }
            diagonal[column] = row[0]
            if column + 1 == order { break }
            let reflection = Self.reflection(of: row[1...])
            beside[column] = reflection.length
            taus[column] = reflection.tau
            for (offset, value) in reflection.vector.enumerated() {
                vectors.values[place * order + column + 1 + offset] = value
            }
            if reflection.tau == 0 { continue }
            var product = try self.product(with: reflection.vector, from: column + 1)
            try correct(&product, vectors, products, place, reflection.vector, from: column + 1)
            correctLength(of: &product, reflection.vector, reflection.tau)
            for (offset, value) in product.enumerated() {
                products.values[place * order + column + 1 + offset] = value
            }
        }
        try update(from: panel.upperBound, vectors, products)
        try matrix.put(vectors, row: panel.lowerBound)
    }

    /// Subtracts Σ bₗ(column) aₗ over the first vectors of a panel.
    private func subtract(
        _ a: DoubleMatrix,
        times b: DoubleMatrix,
        _ count: Int,
        at column: Int,
        from row: inout [Double]
    ) throws(CollabError) {
        let factors = (0..<count).map { b.values[$0 * order + column] }
        if factors.isEmpty { return }
        try solved { () throws(KernelError) in
            try a.values.withUnsafeBufferPointer { a throws(KernelError) in
                guard let first = a.baseAddress else { return }
                try LinearAlgebra.add(
                    first + column,
                    .transposed,
                    rows: count,
                    columns: row.count,
                    stride: order,
                    times: factors,
                    factor: -1,
                    to: &row
                )
            }
        }
    }

    /// The reflection that turns a vector into a multiple of the first unit vector.
    private static func reflection(
        of part: ArraySlice<Double>
    ) -> (vector: [Double], length: Double, tau: Double) {
        var vector = Array(part)
        let first = vector[0]
        vector[0] = 1
        let largest = part.dropFirst().reduce(0) { max($0, abs($1)) }
        if largest == 0 { return (vector, first, 0) }
        // Scaled, so that squares neither overflow nor vanish.
        let scale = max(largest, abs(first))
        let squares = part.reduce(0) { $0 + ($1 / scale) * ($1 / scale) }
        let length = (first > 0 ? -1 : 1) * scale * squares.squareRoot()
        for place in 1..<vector.count { vector[place] /= first - length }
        return (vector, length, (length - first) / length)
    }

    /// The matrix as it was before the panel, from a row and column on, times a vector.
    private func product(with vector: [Double], from first: Int) throws(CollabError) -> [Double] {
        var product = [Double](repeating: 0, count: vector.count)
        var piece = DoubleMatrix(rows: 0, columns: 0)
        var start = first
        while start < order {
            let width = order - start
            let rows = start..<min(start + TaskMatrices.length(of: Self.pieceElements, width), order)
            try matrix.read(rows: rows, columns: start..<order, into: &piece)
            let count = rows.count
            piece.values.withUnsafeMutableBufferPointer { piece in
                for row in 1..<max(1, count) {
                    for column in 0..<row { piece[row * width + column] = piece[column * width + row] }
                }
            }
            let offset = start - first
            try solved { () throws(KernelError) in
                try piece.values.withUnsafeBufferPointer { piece throws(KernelError) in
                    try vector.withUnsafeBufferPointer { vector throws(KernelError) in
                        try product.withUnsafeMutableBufferPointer { product throws(KernelError) in
                            guard let a = piece.baseAddress, let x = vector.baseAddress,
                                let y = product.baseAddress
                            else { return }
                            try LinearAlgebra.add(
                                a,
                                rows: count,
                                columns: width,
                                stride: width,
                                times: x + offset,
                                to: y + offset
                            )
                            // The rows, once more as columns, below themselves.
                            try LinearAlgebra.add(
                                a + count,
                                .transposed,
                                rows: count,
                                columns: width - count,
                                stride: width,
                                times: x + offset,
                                to: y + offset + count
                            )
                        }
                    }
                }
            }
            start = rows.upperBound
        }
        return product
    }

    /// Subtracts V (Wᵀ v) + W (Vᵀ v) for the first vectors of a panel.
    private func correct(
        _ product: inout [Double],
        _ vectors: DoubleMatrix,
        _ products: DoubleMatrix,
        _ count: Int,
        _ vector: [Double],
        from first: Int
    ) throws(CollabError) {
        if count == 0 { return }
        for (a, b) in [(vectors, products), (products, vectors)] {
            try solved { () throws(KernelError) in
                var inner = [Double](repeating: 0, count: count)
                try b.values.withUnsafeBufferPointer { b throws(KernelError) in
                    guard let b = b.baseAddress else { return }
                    try LinearAlgebra.add(
                        b + first,
                        rows: count,
                        columns: vector.count,
                        stride: order,
                        times: vector,
                        to: &inner
                    )
                }
                try a.values.withUnsafeBufferPointer { a throws(KernelError) in
                    guard let a = a.baseAddress else { return }
                    try LinearAlgebra.add(
                        a + first,
                        .transposed,
                        rows: count,
                        columns: vector.count,
                        stride: order,
                        times: inner,
                        factor: -1,
                        to: &product
                    )
                }
            }
        }
    }

    /// τ (p − ½ τ (pᵀv) v).
    private func correctLength(of product: inout [Double], _ vector: [Double], _ tau: Double) {
        var inner = 0.0
        for (value, part) in zip(product, vector) { inner += value * part }
        for place in product.indices {
            product[place] = tau * (product[place] - 0.5 * tau * inner * vector[place])
        }
    }

    /// Subtracts V Wᵀ + W Vᵀ from what is left of the matrix.
    private func update(
        from first: Int,
        _ vectors: DoubleMatrix,
        _ products: DoubleMatrix
    ) throws(CollabError) {
        var start = first
        while start < order {
            let rows = start..<min(start + TaskMatrices.length(of: Self.stripElements, order - start), order)
            var strip = try matrix.part(rows: rows, columns: start..<order)
            for (a, b) in [(vectors, products), (products, vectors)] {
                try strip.put(
                    a.factor(columns: rows).transposed,
                    times: b.factor(columns: start..<order),
                    factor: -1,
                    adding: true
                )
            }
            try matrix.put(strip, row: start, column: start)
            start = rows.upperBound
        }
    }

    /// Turns eigenvectors of the tridiagonal matrix, as rows, into those of the matrix.
    func turn(_ rows: inout DoubleMatrix) throws(CollabError) {
        for start in stride(from: 0, to: order, by: panelLength).reversed() {
            let panel = start..<min(start + panelLength, order)
            let vectors = try matrix.part(rows: panel)
            let factors = try factors(of: vectors, panel)
            // Y − (Y V) Tᵀ Vᵀ for the rows Y.
            var inner = DoubleMatrix(rows: rows.rows, columns: panel.count)
            try inner.put(rows.factor, times: vectors.factor.transposed)
            var turned = DoubleMatrix(rows: rows.rows, columns: panel.count)
            try turned.put(inner.factor, times: factors.factor.transposed)
            try rows.put(turned.factor, times: vectors.factor, factor: -1, adding: true)
        }
    }

    /// T of the product I − V T Vᵀ of a panel's reflections; an upper triangle.
    private func factors(of vectors: DoubleMatrix, _ panel: Range<Int>) throws(CollabError) -> DoubleMatrix {
        let count = panel.count
        var products = DoubleMatrix(rows: count, columns: count)
        try products.put(vectors.factor, times: vectors.factor.transposed)
        var factors = DoubleMatrix(rows: count, columns: count)
        for place in 0..<count {
            let tau = taus[panel.lowerBound + place]
            factors.values[place * (count + 1)] = tau
            for row in 0..<place {
                var sum = 0.0
                for other in row..<place {
                    sum += factors.values[row * count + other] * products.values[other * count + place]
                }
                factors.values[row * count + place] = -tau * sum
            }
        }
        return factors
    }
}
