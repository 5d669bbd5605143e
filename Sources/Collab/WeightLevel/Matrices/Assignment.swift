/// The one-to-one assignment of rows to columns with the largest sum, by shortest augmenting paths.
///
/// H. Kuhn, *The Hungarian Method for the Assignment Problem*, 1955, with the dual variables of R. Jonker and A. Volgenant,
/// 1987: O(n³) in the worst case.
struct Assignment {
    /// For each row the column that it is assigned.
    let columns: [Int]

    /// - Parameter gains: what each pair is worth.
    ///
    /// Throws what reading the gains throws.
    init(maximising gains: some GainRows) throws(CollabError) {
        var gains = gains
        let count = gains.count
        // Costs are negated gains; row and column 0 stand for none.
        var (rowPotential, columnPotential) = (
            [Double](repeating: 0, count: count + 1), [Double](repeating: 0, count: count + 1)
        )
        var owner = [Int](repeating: 0, count: count + 1)
        var path = [Int](repeating: 0, count: count + 1)
        for row in 0..<count {
            try checkCancellation()
            owner[0] = row + 1
            var column = 0
            var shortest = [Double](repeating: .infinity, count: count + 1)
            var isReached = [Bool](repeating: false, count: count + 1)
            repeat {
                isReached[column] = true
                let current = owner[column]
                var (step, next) = (Double.infinity, 0)
                try gains.withRow(current - 1) { gains in
                    for other in 1..<(count + 1) where !isReached[other] {
                        let cost = -gains[other - 1] - rowPotential[current] - columnPotential[other]
                        if cost < shortest[other] {
                            shortest[other] = cost
                            path[other] = column
                        }
                        if shortest[other] < step {
                            step = shortest[other]
                            next = other
                        }
                    }
                }
                for other in 0..<(count + 1) {
                    if isReached[other] {
                        rowPotential[owner[other]] += step
                        columnPotential[other] -= step
                    } else {
                        shortest[other] -= step
                    }
                }
                column = next
            } while owner[column] != 0
            while column != 0 {
                let previous = path[column]
                owner[column] = owner[previous]
                column = previous
            }
        }
        var columns = [Int](repeating: 0, count: count)
        for column in 1..<(count + 1) { columns[owner[column] - 1] = column - 1 }
        self.columns = count == 0 ? [] : columns
    }
}
