/// Draws which elements of one member's task vector are kept, by the rank of their magnitudes in their row.
///
/// Every row has random numbers of its own place in the sequence, so that rows are drawn in any order, once or again, with the
/// same outcome.
struct RankedDraw: Sendable {
    let inputs: TensorInputs
    let member: Int
    /// The probabilities of the lowest and the highest rank.
    let probabilities: (lowest: Double, highest: Double)
    /// The generator before the tensor's first row.
    let generator: SeededGenerator
    /// Whether survivors are divided by their probability.
    let isDividing: Bool
    /// The row that was drawn last: slices that end within a row are followed by the rest of it.
    private let latest = Protected<(row: Int, factors: [Float])?>(nil)

    init(
        _ inputs: TensorInputs,
        member: Int,
        probabilities: (lowest: Double, highest: Double),
        generator: SeededGenerator,
        isDividing: Bool
    ) {
        self.inputs = inputs
        self.member = member
        self.probabilities = probabilities
        self.generator = generator
        self.isDividing = isDividing
    }

    var columns: Int { max(1, inputs.tensor.shape.last ?? 1) }

    /// The factors of a row's elements, of which those that are dropped have 0.
    func factors(ofRow row: Int, _ delta: some Collection<Float>) -> [Float] {
        let columns = columns
        var generator = generator.advanced(by: row * columns)
        var factors = [Float](repeating: 0, count: columns)
        var ranked = delta.enumerated().map { (magnitude: abs($0.element), index: $0.offset) }
        ranked.sort { ($0.magnitude, $0.index) < ($1.magnitude, $1.index) }
        for (place, element) in ranked.enumerated() {
            let rank = columns == 1 ? 0.5 : Double(place) / Double(columns - 1)
            let probability =
                probabilities.lowest + rank * (probabilities.highest - probabilities.lowest)
            guard generator.nextUnit() < probability else { continue }
            factors[element.index] = isDividing ? Float(1 / probability) : 1
        }
        return factors
    }

    /// Multiplies a range of the task vector by its factors; what it lacks of the rows at its ends is read.
    ///
    /// - Parameter first: the index of the first element in the tensor.
    func apply(to delta: UnsafeMutableBufferPointer<Float>, first: Int) throws(CollabError) {
        let columns = columns
        var start = 0
        while start < delta.count {
            let row = (first + start) / columns
            let rowStart = row * columns - first
            let end = min(rowStart + columns, delta.count)
            let factors: [Float]
            if let known = latest.withLock({ $0 }), known.row == row {
                factors = known.factors
            } else {
                factors =
                    rowStart >= 0 && rowStart + columns <= delta.count
                    ? self.factors(ofRow: row, delta[rowStart..<end])
                    : self.factors(ofRow: row, try read(row))
                latest.withLock { $0 = (row, factors) }
            }
            for place in start..<end {
                let factor = factors[place - rowStart]
                delta[place] = factor == 0 ? 0 : delta[place] * factor
            }
            start = end
        }
    }

    /// A bit an element: whether it is kept. Whole blocks of 128, as they are read.
    func bits() throws(CollabError) -> [UInt64] {
        let columns = columns
        var bits = [UInt64](repeating: 0, count: (inputs.tensor.elementCount + 127) / 128 * 2)
        var row: [Float] = []
        row.reserveCapacity(columns)
        try inputs.forEachDelta(of: [member]) { deltas, first in
            var start = 0
            while start < deltas[0].count {
                let end = min(start + columns - row.count, deltas[0].count)
                row += deltas[0][start..<end]
                if row.count == columns {
                    let rowStart = first + end - columns
                    for (place, factor) in factors(ofRow: rowStart / columns, row).enumerated()
                    where factor != 0 {
                        bits[(rowStart + place) >> 6] |= 1 << UInt64((rowStart + place) & 63)
                    }
                    row.removeAll(keepingCapacity: true)
                }
                start = end
            }
            return true
        }
        return bits
    }

    private func read(_ row: Int) throws(CollabError) -> [Float] {
        let elements = row * columns..<(row + 1) * columns
        let name = inputs.tensor.name
        let values = try inputs.members[member].values(of: name, elements: elements)
        guard let base = inputs.base else { return values }
        return zip(values, try base.values(of: name, elements: elements)).map { $0 - $1 }
    }
}
