/// What each pair of neurons of two models would add to the agreement of their tensors, were one put in the other's place:
/// Σ ⟨aᵢ, bⱼ⟩ over the tensors.
///
/// Tensors are read in parts. In memory are the gains, 8 bytes a pair, and ``elementsAtOnce`` elements in double precision.
struct NeuronGains {
    /// The gains of the reference's neurons (rows) with the source's (columns); `nil` before the first tensor.
    private(set) var matrix: DoubleMatrix?
    private let reference: any Checkpoint
    private let source: any Checkpoint
    /// How many elements of both models together are in memory at a time.
    private let elementsAtOnce: Int

    /// 12.6 MB.
    static let usualElementsAtOnce = 3 << 19

    init(
        of reference: any Checkpoint,
        with source: any Checkpoint,
        elementsAtOnce: Int = NeuronGains.usualElementsAtOnce
    ) {
        self.reference = reference
        self.source = source
        self.elementsAtOnce = elementsAtOnce
    }

    /// Adds A Bᵀ for a tensor whose rows are the neurons'.
    ///
    /// Of two blocks of rows everything is known that their gains need, so that each gain is written once a tensor, and rows
    /// are read as they are stored. The reference is read once, in blocks that take most of the memory; the source is read
    /// once for each of those.
    mutating func addRows(of tensor: String, shape: (rows: Int, columns: Int)) throws(CollabError) {
        try prepare(shape.rows, tensor)
        let length = TaskMatrices.length(of: elementsAtOnce / 3, shape.columns)
        for outer in TaskMatrices.parts(of: shape.rows, 2 * length) {
            let own = try DoubleMatrix(reading: tensor, of: reference, rows: outer, columns: shape.columns)
            for inner in TaskMatrices.parts(of: shape.rows, length) {
                let other = try DoubleMatrix(reading: tensor, of: source, rows: inner, columns: shape.columns)
                try matrix?.put(
                    own.factor,
                    times: other.factor.transposed,
                    adding: true,
                    row: outer.lowerBound,
                    column: inner.lowerBound
                )
            }
        }
    }

    /// Adds Aᵀ B for a matrix whose columns are the neurons', a strip of rows after another; both are read once.
    mutating func addColumns(of tensor: String, shape: (rows: Int, columns: Int)) throws(CollabError) {
        try prepare(shape.columns, tensor)
        let length = TaskMatrices.length(of: elementsAtOnce / 2, shape.columns)
        for rows in TaskMatrices.parts(of: shape.rows, length) {
            let own = try DoubleMatrix(reading: tensor, of: reference, rows: rows, columns: shape.columns)
            let other = try DoubleMatrix(reading: tensor, of: source, rows: rows, columns: shape.columns)
            try matrix?.put(own.factor.transposed, times: other.factor, adding: true)
        }
    }

    private mutating func prepare(_ neurons: Int, _ tensor: String) throws(CollabError) {
        guard let matrix else {
            matrix = DoubleMatrix(rows: neurons, columns: neurons)
            return
        }
        guard matrix.rows == neurons else {
            throw CollabError(.tensorMismatch, "“\(tensor)” has another number of neurons than its group.")
        }
    }
}
