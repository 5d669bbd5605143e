import CollabKernels

/// A matrix that lies row by row in a part of an array.
struct MatrixPart: Sendable {
    /// Where it begins.
    let start: Int
    /// Its rows and columns as they lie there.
    let rows: Int
    let columns: Int
    private(set) var orientation = BLAS.Orientation.normal

    /// Where it ends.
    var end: Int { start + rows * columns }
    /// Its place in the array.
    var range: Range<Int> { start..<end }

    init(at start: Int = 0, rows: Int, columns: Int) {
        self.start = start
        self.rows = rows
        self.columns = columns
    }

    /// The same, read with rows and columns exchanged.
    var transposed: MatrixPart {
        var part = self
        part.orientation = orientation == .normal ? .transposed : .normal
        return part
    }

    /// Rows and columns as they are read.
    var shape: (rows: Int, columns: Int) {
        orientation == .normal ? (rows, columns) : (columns, rows)
    }
}

/// C = A · B, or C + A · B, on parts of arrays.
func multiply(
    _ a: [Float],
    _ partA: MatrixPart,
    _ b: [Float],
    _ partB: MatrixPart,
    into c: inout [Float],
    _ partC: MatrixPart,
    adding: Bool = false
) {
    let (left, right) = (partA.shape, partB.shape)
    precondition(left.columns == right.rows && partC.shape == (left.rows, right.columns))
    precondition(partA.end <= a.count && partB.end <= b.count && partC.end <= c.count)
    a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
            c.withUnsafeMutableBufferPointer { c in
                guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
                BLAS.sgemm(
                    partA.orientation,
                    partB.orientation,
                    m: left.rows,
                    n: right.columns,
                    k: left.columns,
                    a: a + partA.start,
                    lda: max(partA.columns, 1),
                    b: b + partB.start,
                    ldb: max(partB.columns, 1),
                    beta: adding ? 1 : 0,
                    c: c + partC.start,
                    ldc: max(partC.columns, 1)
                )
            }
        }
    }
}
