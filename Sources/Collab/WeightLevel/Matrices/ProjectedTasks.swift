/// The sum of the task vectors, times a matrix of the order of its shorter side.
struct ProjectedTasks: BlockwiseMatrix {
    let tasks: TaskMatrices
    /// What the shorter side is multiplied by; symmetric.
    let projection: DoubleMatrix

    var rowsAtOnce: Int { tasks.blockLength }
    var byteCount: Int { 8 * projection.values.count }

    func rows(_ range: Range<Int>) throws(CollabError) -> DoubleMatrix {
        var result = DoubleMatrix(rows: range.count, columns: tasks.columns)
        guard tasks.isWide else {
            try result.put(tasks.strip(range, of: tasks.everyone).factor, times: projection.factor)
            return result
        }
        let rows = projection.factor(rows: range)
        for places in tasks.strips {
            let strip = try tasks.strip(places, of: tasks.everyone)
            try result.put(rows, times: strip.factor.transposed, column: places.lowerBound)
        }
        return result
    }
}
