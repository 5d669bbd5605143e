internal import CollabKernels

/// The task vectors of a matrix, read in parts when they are asked for, so that none has to be in memory as a whole.
///
/// What depends on a whole task vector is found from the inner products of what stands along its longer side, a matrix of
/// the order of the shorter one. They are added up over strips, each of some places on the longer side and all of the
/// shorter one.
struct TaskMatrices: Sendable {
    private let inputs: TensorInputs
    let rows: Int
    let columns: Int

    /// About how many elements are read at a time.
    let stripElements: Int
    static let usualStripElements = 1 << 19
    /// How much of what is computed from them is in memory.
    let space: MatrixSpace

    init(
        _ inputs: TensorInputs,
        stripElements: Int = TaskMatrices.usualStripElements,
        space: MatrixSpace = .usual
    ) {
        self.inputs = inputs
        self.space = space
        self.stripElements = stripElements
        (rows, columns) = (inputs.tensor.shape[0], inputs.tensor.shape[1])
    }

    /// How many there are.
    var count: Int { inputs.members.count }
    /// All of them.
    var everyone: [Int] { Array(0..<count) }
    /// Whether the longer side is that of the columns.
    var isWide: Bool { rows < columns }
    /// The shorter side.
    var width: Int { min(rows, columns) }

    /// The places on the longer side of each strip.
    var strips: [Range<Int>] { Self.parts(of: max(rows, columns), stripLength(width)) }
    /// The rows of each block of rows.
    var rowBlocks: [Range<Int>] { Self.parts(of: rows, stripLength(columns)) }

    /// How many rows of a result are computed at a time: those of a strip, or, where the strips lie across all rows and have
    /// to be read for each block, more.
    var blockLength: Int {
        Self.blockLength(rows: rows, columns: columns, stripElements: stripElements)
    }

    private func stripLength(_ width: Int) -> Int { Self.length(of: stripElements, width) }

    /// How many rows so many elements are, if there are so many columns.
    static func length(of elements: Int, _ columns: Int) -> Int { max(1, elements / max(1, columns)) }

    private static func blockLength(rows: Int, columns: Int, stripElements: Int) -> Int {
        min(rows, length(of: (rows < columns ? 4 : 1) * stripElements, columns))
    }

    /// The most memory that a matrix takes.
    ///
    /// - Parameters:
    ///   - rows: how many rows it has.
    ///   - columns: how many columns it has.
    ///   - preparing: the bytes of all matrices of the order of the shorter side that there are at the same time until the
    ///     first rows are computed, with what finding their eigenvectors takes.
    ///   - computing: how many such matrices there are then.
    static func byteCount(rows: Int, columns: Int, preparing: Int, computing: Int) -> Int {
        let (width, longer) = (min(rows, columns), max(rows, columns))
        let strip = 8 * min(length(of: usualStripElements, width), longer) * width
        let blockRows = blockLength(rows: rows, columns: columns, stripElements: usualStripElements)
        let block = blockRows * columns
        // In both precisions, and the latest two as they are kept.
        let blocks = 2 * strip + (12 + RowBlocks.keptBlocks * 4) * block
        // A library's copies of parts of what it multiplies.
        let library = 3072 * width
        return library + max(preparing, 8 * width * width * computing + blocks)
    }

    /// The parts of a length, each of so many places but for the last.
    static func parts(of length: Int, _ step: Int) -> [Range<Int>] {
        parts(of: 0..<length, step)
    }

    /// The parts of some places.
    static func parts(of places: Range<Int>, _ step: Int) -> [Range<Int>] {
        stride(from: places.lowerBound, to: places.upperBound, by: step)
            .map { $0..<min($0 + step, places.upperBound) }
    }

    /// A strip of the sum of some task vectors.
    func strip(_ places: Range<Int>, of members: [Int]) throws(CollabError) -> TaskStrip {
        guard isWide else { return TaskStrip(matrix: try block(rows: places, of: members), isWide: false) }
        var strip = DoubleMatrix(rows: rows, columns: places.count)
        let reader = TaskReader(inputs, members)
        try checkCancellation()
        for row in 0..<rows {
            let start = row * columns
            try reader.add(
                start + places.lowerBound..<start + places.upperBound,
                to: &strip.values,
                at: row * places.count
            )
        }
        return TaskStrip(matrix: strip, isWide: true)
    }

    /// Some rows of the sum of some task vectors.
    func block(rows: Range<Int>, of members: [Int]) throws(CollabError) -> DoubleMatrix {
        var block = DoubleMatrix(rows: rows.count, columns: columns)
        try checkCancellation()
        try TaskReader(inputs, members).add(
            rows.lowerBound * columns..<rows.upperBound * columns,
            to: &block.values,
            at: 0
        )
        return block
    }

    /// Writes the sum of some task vectors down, a row for each place on the longer side.
    func store(_ members: [Int], in matrix: StoredMatrix) throws(CollabError) {
        for places in strips {
            let strip = try strip(places, of: members)
            try matrix.put(isWide ? strip.matrix.transposed : strip.matrix, row: places.lowerBound)
        }
    }

    /// The upper triangle of the inner products over the longer side of the sum of some task vectors.
    func gram(of members: [Int]) throws(CollabError) -> DoubleMatrix {
        var gram = DoubleMatrix(rows: width, columns: width)
        for places in strips { try gram.addSquare(of: strip(places, of: members).factor.transposed) }
        return gram
    }
}

/// A part of a task vector that goes across its longer side.
struct TaskStrip {
    fileprivate(set) var matrix: DoubleMatrix
    fileprivate let isWide: Bool

    /// The part with the longer side as rows and the shorter one as columns.
    var factor: MatrixFactor { isWide ? matrix.factor.transposed : matrix.factor }

    /// Subtracts a product that has the longer side as rows as well.
    mutating func subtract(_ a: MatrixFactor, times b: MatrixFactor) throws(CollabError) {
        let (first, second) = isWide ? (b.transposed, a.transposed) : (a, b)
        try matrix.put(first, times: second, factor: -1, adding: true)
    }
}

/// Adds up elements of some members' task vectors.
private final class TaskReader {
    private let reader: SliceReader
    private let memory: UnsafeMutableBufferPointer<Float>

    init(_ inputs: TensorInputs, _ members: [Int]) {
        let chosen = TensorInputs(
            tensor: inputs.tensor,
            members: members.map { inputs.members[$0] },
            base: inputs.base,
            requiresFinite: inputs.requiresFinite
        )
        let size = min(TensorInputs.blockSize, inputs.tensor.elementCount)
        reader = SliceReader(chosen, capacity: size)
        memory = .allocate(capacity: size)
    }

    deinit { memory.deallocate() }

    func add(_ elements: Range<Int>, to values: inout [Double], at place: Int) throws(CollabError) {
        var start = elements.lowerBound
        while start < elements.upperBound {
            let range = start..<min(start + memory.count, elements.upperBound)
            let slice = try reader.read(range)
            try reader.checkFinite(slice)
            guard let base = slice.base else { return }
            let part = UnsafeMutableBufferPointer(rebasing: memory[..<range.count])
            let first = place + start - elements.lowerBound
            for member in slice.members {
                MergeArithmetic.delta(member, from: base, into: part)
                values.withUnsafeMutableBufferPointer { values in
                    for index in part.indices { values[first + index] += Double(part[index]) }
                }
            }
            start = range.upperBound
        }
    }
}
