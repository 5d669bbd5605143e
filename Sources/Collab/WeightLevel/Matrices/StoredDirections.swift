/// Directions on the shorter side of a matrix and their counterparts on the longer side, in scratch files: what
/// ``TaskDirections`` are where there is no memory for them.
///
/// Unlike there the task vectors are written down in double precision, and so are the counterparts.
struct StoredDirections {
    private let tasks: TaskMatrices
    private let space: MatrixSpace
    /// The task vector that directions were looked for in last, a row for each place on the longer side.
    private let task: StoredMatrix
    /// The vₖ as rows.
    private let vectors: StoredMatrix
    /// The σₖ uₖ as columns.
    private let counterparts: StoredMatrix
    /// The σₖ.
    private(set) var lengths: [Double] = []
    /// How many directions the first part has.
    private var commonCount: Int?

    /// No directions yet, with room for as many.
    init(_ tasks: TaskMatrices, capacity: Int, _ space: MatrixSpace) throws(CollabError) {
        self.tasks = tasks
        self.space = space
        let longer = max(tasks.rows, tasks.columns)
        task = try StoredMatrix(rows: longer, columns: tasks.width)
        vectors = try StoredMatrix(rows: capacity, columns: tasks.width)
        counterparts = try StoredMatrix(rows: longer, columns: capacity)
    }

    /// The most bytes of disk space that there are at the same time, for a matrix of so many directions at most.
    static func scratchByteCount(rows: Int, columns: Int) -> Int {
        let (width, longer) = (min(rows, columns), max(rows, columns))
        // The task vector, its directions and their counterparts; a root; and what eigenvectors are found in.
        return 8 * (2 * longer * width + width * width) + 5 * 8 * width * width
    }

    /// Adds the largest directions of the sum of some task vectors; of what is left of it beside what the directions in the
    /// first part write into, if they are to be beside.
    mutating func add(of members: [Int], count: Int, besideCommon: Bool = false) throws(CollabError) {
        try tasks.store(members, in: task)
        var common: Double?
        if besideCommon, let commonCount, commonCount > 0 {
            try subtractCommon(commonCount)
            common = lengths[0]
        }
        let width = tasks.width
        let found = try StoredEigenvectors(
            largest: min(max(0, count), width),
            using: task.rowSquares(isUpper: true, stripElements: space.stripElements),
            space: space
        )
        let kept = TaskDirections.keptCount(of: found.values, beside: common)
        let start = lengths.count
        lengths += found.values.prefix(kept).map { $0.squareRoot() }
        commonCount = commonCount ?? kept
        for rows in TaskMatrices.parts(of: kept, TaskMatrices.length(of: 1 << 20, width)) {
            try vectors.put(found.vectors.part(rows: rows), row: start + rows.lowerBound)
        }
        for places in parts {
            let product = try found.vectors.multipliedTransposed(
                by: task.part(rows: places).factor,
                rows: kept
            )
            try counterparts.put(product, row: places.lowerBound, column: start)
        }
    }

    /// The places on the longer side that are in memory at a time.
    private var parts: [Range<Int>] {
        let step = TaskMatrices.length(of: space.stripElements / 2, max(tasks.width, vectors.rows))
        return TaskMatrices.parts(of: task.rows, step)
    }

    /// d − U₀ U₀ᵀ d, where U₀ is on the side of the rows.
    private func subtractCommon(_ count: Int) throws(CollabError) {
        if tasks.isWide {
            for places in parts {
                var rest = try task.part(rows: places)
                let cosines = try vectors.multipliedTransposed(by: rest.factor, rows: count)
                try vectors.add(cosines.factor, factor: -1, to: &rest)
                try task.put(rest, row: places.lowerBound)
            }
            return
        }
        // U₀ᵀ d ∕ σ₀, the counterparts being σ₀ U₀.
        let cosines = try StoredMatrix(rows: count, columns: tasks.width)
        let step = TaskMatrices.length(of: space.stripElements, tasks.width)
        for rows in TaskMatrices.parts(of: count, step) {
            var strip = DoubleMatrix(rows: rows.count, columns: tasks.width)
            for places in TaskMatrices.parts(of: task.rows, TaskMatrices.length(of: 1 << 20, tasks.width)) {
                let common = try counterparts.part(rows: places, columns: rows)
                try strip.put(common.factor.transposed, times: task.part(rows: places).factor, adding: true)
            }
            strip.scale(rows: lengths[rows].map { 1 / ($0 * $0) })
            try cosines.put(strip, row: rows.lowerBound)
        }
        for places in parts {
            var rest = try task.part(rows: places)
            let common = try counterparts.part(rows: places, columns: 0..<count)
            try cosines.add(common.factor, factor: -1, to: &rest)
            try task.put(rest, row: places.lowerBound)
        }
    }

    /// What ``TaskDirections/orthogonalised(weights:)`` gives.
    func orthogonalised(weights: [Double]) throws(CollabError) -> StoredProduct {
        let count = lengths.count
        let shortRoot = try vectors.innerProducts(count, stripElements: space.stripElements)
            .takeInverseRoot(space)
        var factors = try product(of: shortRoot, with: vectors, scaling: weights)
        let inverse = lengths.map { 1 / $0 }
        let products = try counterparts.rowSquares(
            columns: count,
            isUpper: true,
            stripElements: space.stripElements
        )
        try products.scale(rowsAndColumns: inverse, stripElements: space.stripElements)
        let longRoot = try products.takeInverseRoot(space)
        factors = try product(of: longRoot, with: factors, scaling: inverse)
        return StoredProduct(
            left: counterparts,
            right: factors,
            count: count,
            isWide: tasks.isWide,
            rowsAtOnce: space.blockLength(rows: tasks.rows, columns: tasks.columns)
        )
    }

    /// The product of two matrices, each row times a factor.
    private func product(
        of left: StoredMatrix,
        with right: StoredMatrix,
        scaling factors: [Double]
    ) throws(CollabError) -> StoredMatrix {
        let result = try StoredMatrix(rows: left.rows, columns: right.columns)
        let step = TaskMatrices.length(of: space.stripElements / 2, max(left.columns, right.columns))
        for rows in TaskMatrices.parts(of: left.rows, step) {
            var strip = DoubleMatrix(rows: rows.count, columns: right.columns)
            try right.add(left.part(rows: rows).factor, to: &strip)
            strip.scale(rows: Array(factors[rows]))
            try result.put(strip, row: rows.lowerBound)
        }
        return result
    }
}
