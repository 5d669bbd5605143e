/// How much of whole matrices is in memory.
struct MatrixSpace: Sendable {
    /// The most bytes in memory with which a merge of a matrix does without scratch files.
    var mostBytes: Int
    /// How many columns of a matrix are brought into tridiagonal form at a time.
    var panelLength: Int
    /// The largest order of which LAPACK finds the eigenvectors.
    var largestLeaf: Int
    /// How many elements of a stored matrix are in memory at a time.
    var stripElements: Int
    /// How many elements of a result are computed at a time from stored matrices.
    var blockElements: Int

    /// Up to 252 MB in memory, and less where there are scratch files.
    static let usual = MatrixSpace(
        mostBytes: 240 << 20,
        panelLength: Tridiagonalisation.usualPanelLength,
        largestLeaf: DividedEigenvectors.largestLeaf,
        stripElements: DividedEigenvectors.usualStripElements,
        blockElements: 1 << 21
    )

    /// How many rows of so many columns are computed at a time from stored matrices.
    func blockLength(rows: Int, columns: Int) -> Int {
        min(rows, TaskMatrices.length(of: blockElements, columns))
    }
}

/// What a matrix takes at most beside slices of the inputs, in bytes.
struct MatrixDemand: Equatable {
    /// In memory.
    var memory: Int
    /// On the disk.
    var scratch: Int

    /// Of a method that finds eigenvectors of the order of the shorter side.
    ///
    /// - Parameters:
    ///   - kept: what it takes in memory where that is not too much.
    ///   - scratch: what it takes on the disk otherwise.
    init(rows: Int, columns: Int, kept: Int, scratch: Int, _ space: MatrixSpace = .usual) {
        if kept <= space.mostBytes {
            (memory, self.scratch) = (kept, 0)
            return
        }
        let (width, longer) = (min(rows, columns), max(rows, columns))
        let preparing =
            Tridiagonalisation.byteCount(order: width) + DividedEigenvectors.byteCount(order: width)
        let block = space.blockLength(rows: rows, columns: columns) * longer
        let products = StoredMatrix.productByteCount(columns: longer, stripElements: space.stripElements)
        // A block, what it is multiplied from, the same in single precision, and the latest two as they are kept.
        let computing = (20 + RowBlocks.keptBlocks * 4) * block + products - 8 * space.stripElements
        // A library's copies of parts of what it multiplies.
        memory = 3072 * width + max(preparing, products, computing)
        self.scratch = scratch
    }

    init(memory: Int, scratch: Int) {
        (self.memory, self.scratch) = (memory, scratch)
    }
}
