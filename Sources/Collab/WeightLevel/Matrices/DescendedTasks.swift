/// The sum of the task vectors dᵢ, moved so many steps of Adam down Σ ‖(τ − dᵢ) dᵢᵀ‖² ∕ ‖dᵢ‖².
///
/// ∂/∂τ = 2 (τ H − C) with H = Σ dᵢᵀdᵢ ∕ ‖dᵢ‖² and C = Σ dᵢ dᵢᵀdᵢ ∕ ‖dᵢ‖²: given H, rows do not depend on one another. C is
/// computed with its rows, from the inner products of each member's columns, or, where those take more memory than
/// ``mostGramElements``, from the rows' products with all others.
struct DescendedTasks: BlockwiseMatrix {
    private let tasks: TaskMatrices
    private let steps: Int
    private let rate: Double
    /// The members that changed the matrix, with 1 ∕ ‖dᵢ‖².
    private var members: [(index: Int, weight: Double)] = []
    /// dᵢᵀdᵢ ∕ ‖dᵢ‖² of those, if they are few or small.
    private var grams: [DoubleMatrix] = []
    /// H, if it is in memory.
    private var curvature: DoubleMatrix
    /// H, if it is not.
    private let storedCurvature: StoredMatrix?

    /// How many elements the inner products of all members may have to be kept.
    static let mostGramElements = 1 << 24

    /// - Parameters:
    ///   - tasks: the task vectors.
    ///   - steps: how many steps of Adam.
    ///   - rate: how long a step is.
    ///   - mostGramElements: how many elements the inner products of all members may have to be kept.
    init(
        _ tasks: TaskMatrices,
        steps: Int,
        rate: Double,
        mostGramElements: Int = DescendedTasks.mostGramElements
    ) throws(CollabError) {
        self.tasks = tasks
        self.steps = steps
        self.rate = rate
        let kept = Self.keptByteCount(rows: tasks.rows, columns: tasks.columns, memberCount: tasks.count)
        if kept > tasks.space.mostBytes {
            members = try Self.weights(of: tasks)
            curvature = DoubleMatrix(rows: 0, columns: 0)
            storedCurvature = try Self.storedCurvature(of: tasks, members)
            return
        }
        storedCurvature = nil
        curvature = DoubleMatrix(rows: tasks.columns, columns: tasks.columns)
        let keepsGrams = tasks.count * tasks.columns * tasks.columns <= mostGramElements
        members = try Self.weights(of: tasks)
        for member in members {
            if keepsGrams {
                var gram = DoubleMatrix(rows: tasks.columns, columns: tasks.columns)
                try Self.addSquare(of: tasks, member, to: &gram)
                gram.mirror()
                curvature.add(gram)
                grams.append(gram)
            } else {
                try Self.addSquare(of: tasks, member, to: &curvature)
            }
        }
        if !keepsGrams { curvature.mirror() }
    }

    /// 1 ∕ ‖dᵢ‖² of the members that changed the matrix.
    private static func weights(
        of tasks: TaskMatrices
    ) throws(CollabError) -> [(index: Int, weight: Double)] {
        var members: [(index: Int, weight: Double)] = []
        for index in tasks.everyone {
            var square = 0.0
            for rows in tasks.rowBlocks {
                let block = try tasks.block(rows: rows, of: [index])
                square += block.values.reduce(0) { $0 + $1 * $1 }
            }
            if square != 0 { members.append((index, 1 / square)) }
        }
        return members
    }

    /// H, a strip of rows after another; the task vectors are read for each.
    private static func storedCurvature(
        of tasks: TaskMatrices,
        _ members: [(index: Int, weight: Double)]
    ) throws(CollabError) -> StoredMatrix {
        let result = try StoredMatrix(rows: tasks.columns, columns: tasks.columns)
        let step = TaskMatrices.length(of: tasks.space.stripElements, tasks.columns)
        for places in TaskMatrices.parts(of: tasks.columns, step) {
            var strip = DoubleMatrix(rows: places.count, columns: tasks.columns)
            for member in members {
                for rows in tasks.rowBlocks {
                    let block = try tasks.block(rows: rows, of: [member.index])
                    try strip.put(
                        block.factor(columns: places).transposed,
                        times: block.factor,
                        factor: member.weight,
                        adding: true
                    )
                }
            }
            try result.put(strip, row: places.lowerBound)
        }
        return result
    }

    private static func addSquare(
        of tasks: TaskMatrices,
        _ member: (index: Int, weight: Double),
        to gram: inout DoubleMatrix
    ) throws(CollabError) {
        for rows in tasks.rowBlocks {
            let block = try tasks.block(rows: rows, of: [member.index])
            try gram.addSquare(of: block.factor.transposed, factor: member.weight)
        }
    }

    var rowsAtOnce: Int {
        // H is read from its file for each block and step: the fewer the better.
        storedCurvature == nil
            ? Self.blockLength(rows: tasks.rows, columns: tasks.columns, stripElements: tasks.stripElements)
            : tasks.space.blockLength(rows: tasks.rows, columns: tasks.columns)
    }
    var byteCount: Int { 8 * (grams.count + 1) * curvature.values.count }

    func rows(_ range: Range<Int>) throws(CollabError) -> DoubleMatrix {
        var merged = try tasks.block(rows: range, of: tasks.everyone)
        let target = try target(range)
        var gradient = DoubleMatrix(rows: range.count, columns: tasks.columns)
        var adam = AdamSteps(count: merged.values.count, rate: rate)
        for _ in 0..<steps {
            try checkCancellation()
            if let storedCurvature {
                gradient.values.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
                try storedCurvature.add(merged.factor, to: &gradient)
            } else {
                try gradient.put(merged.factor, times: curvature.factor)
            }
            adam.step(&merged.values, gradient: gradient.values, target: target.values)
        }
        return merged
    }

    /// Some rows of C.
    private func target(_ range: Range<Int>) throws(CollabError) -> DoubleMatrix {
        var target = DoubleMatrix(rows: range.count, columns: tasks.columns)
        for (place, (index, weight)) in members.enumerated() {
            let own = try tasks.block(rows: range, of: [index])
            if !grams.isEmpty {
                try target.put(own.factor, times: grams[place].factor, adding: true)
                continue
            }
            for rows in tasks.rowBlocks {
                let other = try tasks.block(rows: rows, of: [index])
                var products = DoubleMatrix(rows: range.count, columns: rows.count)
                try products.put(own.factor, times: other.factor.transposed, factor: weight)
                try target.put(products.factor, times: other.factor, adding: true)
            }
        }
        return target
    }

    private static func blockLength(rows: Int, columns: Int, stripElements: Int) -> Int {
        min(rows, TaskMatrices.length(of: stripElements, columns))
    }

    /// The most that a matrix takes.
    static func demand(
        rows: Int,
        columns: Int,
        memberCount: Int,
        _ space: MatrixSpace = .usual
    ) -> MatrixDemand {
        let kept = keptByteCount(rows: rows, columns: columns, memberCount: memberCount)
        if kept <= space.mostBytes { return MatrixDemand(memory: kept, scratch: 0) }
        let products = StoredMatrix.productByteCount(columns: columns, stripElements: space.stripElements)
        let blocks = blockByteCount(space.blockLength(rows: rows, columns: columns), columns: columns)
        return MatrixDemand(
            memory: max(products, blocks + products - 8 * space.stripElements),
            scratch: 8 * columns * columns
        )
    }

    /// What computing so many rows takes: the rows, C, the slope, and Adam's two means; twice the result; and what products
    /// take.
    private static func blockByteCount(_ rows: Int, columns: Int) -> Int {
        (8 * 6 + 4 * RowBlocks.keptBlocks) * rows * columns + 3072 * columns
    }

    /// The most memory that a matrix takes for which there are no scratch files.
    private static func keptByteCount(rows: Int, columns: Int, memberCount: Int) -> Int {
        let grams = memberCount * columns * columns <= mostGramElements ? memberCount : 0
        let size = TaskMatrices.usualStripElements
        let length = blockLength(rows: rows, columns: columns, stripElements: size)
        return 8 * (grams + 1) * columns * columns + blockByteCount(length, columns: columns)
    }
}
