/// What each pair of neurons of two models would add to the agreement of their tensors, were one put in the other's place:
/// Σ ⟨aᵢ, bⱼ⟩ over the tensors, for some neurons of the one model and all of the other.
///
/// Tensors are read in parts. In memory are the gains, 8 bytes a pair, and ``elementsAtOnce`` elements in double precision.
struct NeuronGains {
    /// The gains of some of the reference's neurons (rows) with all of the source's (columns).
    private(set) var matrix: DoubleMatrix
    private let neurons: Range<Int>
    private let reference: any Checkpoint
    private let source: any Checkpoint
    /// How many elements of both models together are in memory at a time.
    private let elementsAtOnce: Int

    /// 12.6 MB.
    static let usualElementsAtOnce = 3 << 19

    /// No gains yet.
    ///
    /// - Parameters:
    ///   - neurons: which of the reference's neurons.
    ///   - count: how many neurons each model has.
    init(
        of reference: any Checkpoint,
        with source: any Checkpoint,
        neurons: Range<Int>,
        count: Int,
        elementsAtOnce: Int = NeuronGains.usualElementsAtOnce
    ) {
        self.reference = reference
        self.source = source
        self.neurons = neurons
        self.elementsAtOnce = elementsAtOnce
        matrix = DoubleMatrix(rows: neurons.count, columns: count)
    }

    /// Adds A Bᵀ for a tensor whose rows are the neurons'.
    ///
    /// Of two blocks of rows everything is known that their gains need, so that each gain is written once a tensor, and rows
    /// are read as they are stored. The reference is read once, in blocks that take most of the memory; the source is read
    /// once for each of those.
    mutating func addRows(of tensor: String, columns: Int) throws(CollabError) {
        let length = TaskMatrices.length(of: elementsAtOnce / 3, columns)
        for outer in TaskMatrices.parts(of: neurons, 2 * length) {
            let own = try DoubleMatrix(reading: tensor, of: reference, rows: outer, columns: columns)
            for inner in TaskMatrices.parts(of: matrix.columns, length) {
                let other = try DoubleMatrix(reading: tensor, of: source, rows: inner, columns: columns)
                try matrix.put(
                    own.factor,
                    times: other.factor.transposed,
                    adding: true,
                    row: outer.lowerBound - neurons.lowerBound,
                    column: inner.lowerBound
                )
            }
        }
    }

    /// Adds Aᵀ B for a matrix whose columns are the neurons', a strip of rows after another; both are read once.
    mutating func addColumns(of tensor: String, rows: Int) throws(CollabError) {
        let count = matrix.columns
        let length = TaskMatrices.length(of: elementsAtOnce / 2, count)
        for rows in TaskMatrices.parts(of: rows, length) {
            let own = try DoubleMatrix(
                reading: tensor,
                of: reference,
                rows: rows,
                columns: count,
                part: neurons
            )
            let other = try DoubleMatrix(reading: tensor, of: source, rows: rows, columns: count)
            try matrix.put(own.factor.transposed, times: other.factor, adding: true)
        }
    }
}

/// What an assignment looks at: the gains of one neuron of the reference after another.
protocol GainRows {
    /// How many neurons each model has.
    var count: Int { get }
    /// Calls a closure with the gains of one.
    mutating func withRow(_ row: Int, _ body: (UnsafeBufferPointer<Double>) -> Void) throws(CollabError)
}

/// Gains in memory.
struct KeptGains: GainRows {
    let matrix: DoubleMatrix
    var count: Int { matrix.rows }

    func withRow(_ row: Int, _ body: (UnsafeBufferPointer<Double>) -> Void) {
        matrix.values.withUnsafeBufferPointer { values in
            body(UnsafeBufferPointer(rebasing: values[row * count..<(row + 1) * count]))
        }
    }
}

/// Gains in a scratch file, of which one row is in memory.
struct StoredGains: GainRows {
    private let matrix: StoredMatrix
    private var latest: [Double]

    init(_ matrix: StoredMatrix) {
        self.matrix = matrix
        latest = [Double](repeating: 0, count: matrix.columns)
    }

    var count: Int { matrix.rows }

    mutating func withRow(
        _ row: Int,
        _ body: (UnsafeBufferPointer<Double>) -> Void
    ) throws(CollabError) {
        try latest.withUnsafeMutableBufferPointer { latest throws(CollabError) in
            try matrix.read(row, into: latest)
        }
        latest.withUnsafeBufferPointer(body)
    }
}
