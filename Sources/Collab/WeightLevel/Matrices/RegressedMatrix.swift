internal import CollabKernels

/// A Gram matrix with its elements off the diagonal reduced, read in rows from where it is stored.
struct ReducedGram: Sendable {
    var checkpoint: any Checkpoint
    var name: String
    var order: Int
    /// What elements off the diagonal are multiplied by.
    var alpha: Double

    /// Some rows, with something added to the diagonal.
    func rows(_ range: Range<Int>, adding ridge: Double = 0) throws(CollabError) -> DoubleMatrix {
        let elements = range.lowerBound * order..<range.upperBound * order
        let stored = try checkpoint.values(of: name, elements: elements)
        if let bad = stored.firstIndex(where: { !$0.isFinite }) {
            throw CollabError(
                .notFinite,
                "Element \(elements.lowerBound + bad) of “\(name)” of \(checkpoint.name) is \(stored[bad])."
            )
        }
        var rows = DoubleMatrix(rows: range.count, columns: order, values: stored.map { alpha * Double($0) })
        for row in range {
            let place = (row - range.lowerBound) * order + row
            rows.values[place] = Double(stored[place]) + ridge
        }
        return rows
    }
}

/// W with Wᵀ = (Σ Gᵢ)⁻¹ Σ Gᵢ Wᵢᵀ: of Σ Gᵢ there is Cholesky's factor, in memory or in a scratch file, and the Gᵢ are read
/// for each block of rows.
struct RegressedMatrix: BlockwiseMatrix {
    private enum Factor {
        case kept([Double])
        case stored(StoredFactor)
    }

    private let inputs: TensorInputs
    private let grams: [ReducedGram]
    private let ridge: Double
    /// Cholesky's factor of the Gram matrices' sum.
    private let factor: Factor
    private static let blockElements = 1 << 20

    init(
        _ inputs: TensorInputs,
        _ grams: [ReducedGram],
        space: MatrixSpace = .usual
    ) throws(CollabError) {
        self.inputs = inputs
        self.grams = grams
        let order = grams[0].order
        let kept = Self.keptByteCount(rows: inputs.tensor.shape[0], columns: order)
        if kept > space.mostBytes {
            (factor, ridge) = try Self.storedFactor(grams, order, space)
        } else {
            (factor, ridge) = try Self.keptFactor(grams, order)
        }
    }

    private static func keptFactor(
        _ grams: [ReducedGram],
        _ order: Int
    ) throws(CollabError) -> (Factor, ridge: Double) {
        var sum = DoubleMatrix(rows: order, columns: order)
        var diagonal = 0.0
        for gram in grams {
            for rows in parts(of: order) {
                try checkCancellation()
                let part = try gram.rows(rows)
                sum.add(part, row: rows.lowerBound)
            }
        }
        for place in 0..<order { diagonal += sum.values[place * (order + 1)] }
        let ridge = ridge(diagonal, order, grams.count)
        for place in 0..<order { sum.values[place * (order + 1)] += ridge * Double(grams.count) }
        try solved { () throws(KernelError) in try LinearAlgebra.factorise(&sum.values, order: order) }
        return (.kept(sum.values), ridge)
    }

    private static func storedFactor(
        _ grams: [ReducedGram],
        _ order: Int,
        _ space: MatrixSpace
    ) throws(CollabError) -> (Factor, ridge: Double) {
        let stored = try StoredMatrix(rows: order, columns: order)
        var diagonal: [Double] = []
        for rows in parts(of: order) {
            var sum = DoubleMatrix(rows: rows.count, columns: order)
            for gram in grams {
                try checkCancellation()
                sum.add(try gram.rows(rows))
            }
            for row in rows { diagonal.append(sum.values[(row - rows.lowerBound) * order + row]) }
            try stored.put(sum, row: rows.lowerBound)
        }
        let ridge = ridge(diagonal.reduce(0, +), order, grams.count)
        for (place, value) in diagonal.enumerated() {
            let element = DoubleMatrix(rows: 1, columns: 1, values: [value + ridge * Double(grams.count)])
            try stored.put(element, row: place, column: place)
        }
        return (.stored(try StoredFactor(of: stored, stripElements: space.stripElements)), ridge)
    }

    /// 10⁻⁸ of the mean diagonal.
    private static func ridge(_ diagonal: Double, _ order: Int, _ count: Int) -> Double {
        1e-8 * max(diagonal / Double(order * count), 1e-30)
    }

    /// Rows of a Gram matrix that are read at a time.
    private static func parts(of order: Int) -> [Range<Int>] {
        let step = TaskMatrices.length(of: TaskMatrices.usualStripElements, order)
        return stride(from: 0, to: order, by: step).map { $0..<min($0 + step, order) }
    }

    private var order: Int { grams[0].order }
    var rowsAtOnce: Int { Self.blockLength(rows: inputs.tensor.shape[0], columns: order) }
    var byteCount: Int {
        guard case .kept(let values) = factor else { return 0 }
        return 8 * values.count
    }

    func rows(_ range: Range<Int>) throws(CollabError) -> DoubleMatrix {
        var sides = DoubleMatrix(rows: range.count, columns: order)
        for (member, gram) in zip(inputs.members, grams) {
            // The rows of Wᵢ Gᵢ, Gᵢ being symmetric.
            let weights = try weights(of: member, range)
            for places in Self.parts(of: order) {
                try checkCancellation()
                let part = try gram.rows(places, adding: ridge)
                try sides.put(weights.factor(columns: places), times: part.factor, adding: true)
            }
        }
        switch factor {
        case .kept(let values):
            try solved { () throws(KernelError) in
                try LinearAlgebra.solve(factor: values, order: order, &sides.values)
            }
        case .stored(let factor): try factor.solve(&sides)
        }
        return sides
    }

    private func weights(
        of member: any Checkpoint,
        _ rows: Range<Int>
    ) throws(CollabError) -> DoubleMatrix {
        let elements = rows.lowerBound * order..<rows.upperBound * order
        let values = try member.values(of: inputs.tensor.name, elements: elements)
        if inputs.requiresFinite, let bad = values.firstIndex(where: { !$0.isFinite }) {
            throw CollabError(
                .notFinite,
                """
                Element \(elements.lowerBound + bad) of the tensor “\(inputs.tensor.name)” of \(member.name) is \
                \(values[bad]).
                """
            )
        }
        return DoubleMatrix(rows: rows.count, columns: order, values: values.map { Double($0) })
    }

    private static func blockLength(rows: Int, columns: Int) -> Int {
        min(rows, TaskMatrices.length(of: blockElements, columns))
    }

    /// The most that a matrix takes.
    static func demand(rows: Int, columns: Int, _ space: MatrixSpace = .usual) -> MatrixDemand {
        let kept = keptByteCount(rows: rows, columns: columns)
        if kept <= space.mostBytes { return MatrixDemand(memory: kept, scratch: 0) }
        let factor = StoredFactor.byteCount(order: columns, stripElements: space.stripElements)
        let sides = 8 * blockLength(rows: rows, columns: columns) * columns
        // What products take is in both, and is taken once.
        return MatrixDemand(
            memory: kept - (8 * columns + 3072) * columns + factor + sides,
            scratch: 8 * columns * columns
        )
    }

    /// The most memory that a matrix takes whose factor is in memory.
    private static func keptByteCount(rows: Int, columns: Int) -> Int {
        let block = blockLength(rows: rows, columns: columns) * columns
        let part = parts(of: columns)[0].count * columns
        // The factor; a block in both precisions and its right sides; twice the result; rows of a Gram matrix; and what
        // products take.
        return 8 * columns * columns + 20 * block + 4 * RowBlocks.keptBlocks * block + 12 * part
            + 3072 * columns
    }
}
