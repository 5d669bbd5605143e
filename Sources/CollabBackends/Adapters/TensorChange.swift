import Collab

/// What a fine-tune has changed of one tensor: Δ = tuned − base, read in slices.
struct TensorChange {
    /// The elements, row by row; none where only their norm is asked for.
    let values: [Float]
    /// ‖Δ‖².
    let squaredNorm: Double

    /// How many elements of a checkpoint are read at a time, and of a sum computed.
    static let sliceElements = 1 << 16

    /// - Parameters:
    ///   - tensor: a tensor that both checkpoints have in this shape.
    ///   - tuned: the fine-tuned weights.
    ///   - base: the weights that it was tuned from.
    ///   - keepsValues: whether Δ is held as a whole.
    ///
    /// Throws ``Collab/CollabError`` with `notFinite` if an element is not finite, and what reading throws.
    init(
        of tensor: TensorDescription,
        from tuned: any Checkpoint,
        over base: any Checkpoint,
        keepingValues keepsValues: Bool
    ) throws(CollabError) {
        let count = tensor.elementCount
        let most = min(count, Self.sliceElements)
        // The tuned weights are read to where the change is to be, and the base's taken from them there.
        var values = [Float](repeating: 0, count: keepsValues ? count : most)
        var subtracted = [Float](repeating: 0, count: most)
        var norm = 0.0
        for start in stride(from: 0, to: count, by: Self.sliceElements) {
            if Task.isCancelled { throw .cancelled }
            let elements = start..<min(start + Self.sliceElements, count)
            let first = keepsValues ? start : 0
            norm = try values.withUnsafeMutableBufferPointer { values throws(CollabError) in
                try subtracted.withUnsafeMutableBufferPointer { subtracted throws(CollabError) in
                    let change = UnsafeMutableBufferPointer(
                        rebasing: values[first..<first + elements.count]
                    )
                    let other = UnsafeMutableBufferPointer(rebasing: subtracted[..<elements.count])
                    try tuned.read(tensor.name, elements: elements, into: change)
                    try base.read(tensor.name, elements: elements, into: other)
                    var sum = norm
                    for place in change.indices {
                        change[place] -= other[place]
                        sum += Double(change[place]) * Double(change[place])
                    }
                    return sum
                }
            }
            // Squares of finite float32 numbers do not overflow.
            guard norm.isFinite else {
                throw CollabError(
                    .notFinite,
                    "The change of “\(tensor.name)” has a number that is not finite."
                )
            }
        }
        self.values = keepsValues ? values : []
        squaredNorm = norm
    }

    /// ‖Δ − Σ lₖ rₖᵀ‖ ∕ ‖Δ‖: the share of the change that a sum lacks, which is computed in strips of rows.
    func share(lostBy sum: RankOneSum, columns: Int) -> Double {
        let rows = values.count / columns
        let step = max(1, Self.sliceElements / columns)
        var lost = 0.0
        for top in stride(from: 0, to: rows, by: step) {
            let strip = sum.matrix(rows: top..<min(top + step, rows), columns: columns)
            for (place, value) in strip.enumerated() {
                let left = values[top * columns + place] - value
                lost += Double(left) * Double(left)
            }
        }
        return (lost / squaredNorm).squareRoot()
    }
}
