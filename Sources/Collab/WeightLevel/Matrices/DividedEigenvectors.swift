internal import CollabKernels

/// The eigenvectors of a symmetric tridiagonal matrix in scratch files, by dividing and conquering.
///
/// J. Cuppen, *A Divide and Conquer Method for the Symmetric Tridiagonal Eigenproblem*, 1981: two halves differ from the whole
/// by a matrix of rank one, whose update of the halves' eigenvalues D + ρ z zᵀ has eigenvectors that are known from its
/// eigenvalues. Those come from z as M. Gu and S. Eisenstat choose it (1995) so that they stand at right angles, and
/// eigenvectors that the update leaves as they are take no part in it. Parts that are small enough are LAPACK's (`dstedc`).
struct DividedEigenvectors {
    /// The eigenvalues, in no order.
    private(set) var values: [Double]
    /// The eigenvectors as rows, in the same order.
    private(set) var vectors: StoredMatrix
    /// As large a matrix that is of no use any more.
    private(set) var spare: StoredMatrix
    private let stripElements: Int

    /// The largest order that LAPACK finds eigenvectors of: 67 MB.
    static let largestLeaf = 2048
    /// How many elements of eigenvectors, and as many of their factors, are in memory: 67 MB each.
    static let usualStripElements = 1 << 23
    private static let pieceElements = 1 << 20

    /// The memory that finding eigenvectors takes beside what others do.
    static func byteCount(order: Int) -> Int {
        let leaf = min(order, largestLeaf)
        let merging = 2 * max(usualStripElements, order) + 2 * max(pieceElements, order) + 12 * order
        return 8 * max(merging, 2 * leaf * leaf + 8 * leaf)
    }

    init(
        diagonal: [Double],
        beside: [Double],
        largestLeaf: Int = DividedEigenvectors.largestLeaf,
        stripElements: Int = DividedEigenvectors.usualStripElements
    ) throws(CollabError) {
        let order = diagonal.count
        self.stripElements = stripElements
        vectors = try StoredMatrix(rows: order, columns: order)
        spare = try StoredMatrix(rows: order, columns: order)
        // Of order one, as rounding is judged by.
        let scale = max(
            diagonal.reduce(0) { max($0, abs($1)) },
            beside.reduce(0) { max($0, abs($1)) },
            .leastNormalMagnitude
        )
        let beside = beside.map { $0 / scale }
        values = diagonal.map { $0 / scale }
        // All parts of a level are halves of the level above, so that each level is in one file.
        var levels: [[Range<Int>]] = [[0..<order]]
        while let last = levels.last, last.contains(where: { $0.count > largestLeaf && $0.count > 1 }) {
            levels.append(
                last.flatMap { part in
                    let middle = part.lowerBound + part.count / 2
                    return [part.lowerBound..<middle, middle..<part.upperBound]
                }
            )
        }
        for part in levels[levels.count - 1].dropFirst() where !part.isEmpty {
            values[part.lowerBound - 1] -= abs(beside[part.lowerBound - 1])
            values[part.lowerBound] -= abs(beside[part.lowerBound - 1])
        }
        for part in levels[levels.count - 1] where !part.isEmpty {
            try checkCancellation()
            let found = try solved { () throws(KernelError) in
                try LinearAlgebra.tridiagonalEigenvectors(
                    diagonal: Array(values[part]),
                    beside: Array(beside[part.lowerBound..<part.upperBound - 1])
                )
            }
            values.replaceSubrange(part, with: found.values)
            let rows = DoubleMatrix(rows: part.count, columns: part.count, values: found.vectors)
            try vectors.put(rows, row: part.lowerBound, column: part.lowerBound)
        }
        for level in levels.dropLast().reversed() {
            for part in level {
                let middle = part.lowerBound + part.count / 2
                // Nothing was cut where a half is empty.
                try join(part, at: middle, middle > part.lowerBound ? beside[middle - 1] : 0)
            }
            (vectors, spare) = (spare, vectors)
        }
        values = values.map { scale * $0 }
    }

    /// A part whose halves' eigenvectors are known.
    private struct Update {
        var part: Range<Int>
        var middle: Int
        /// z and ρ of the update.
        var parts: [Double]
        var factor: Double
        /// The places of eigenvectors that change, in the order of their eigenvalues.
        var kept: [Int] = []
        /// Those of the others.
        var left: [Int] = []
        /// Eigenvectors that were turned together and lie in both halves.
        var wide: Set<Int> = []

        /// Where an eigenvector is not 0.
        func columns(of place: Int) -> Range<Int> {
            if wide.contains(place) { return part }
            return place < middle ? part.lowerBound..<middle : middle..<part.upperBound
        }
    }

    private mutating func join(_ part: Range<Int>, at middle: Int, _ coupling: Double) throws(CollabError) {
        var update = Update(part: part, middle: middle, parts: [], factor: 2 * abs(coupling))
        let half = 0.5.squareRoot()
        let upper = try vectors.part(rows: part.lowerBound..<middle, columns: middle - 1..<middle).values
        let lower = try vectors.part(rows: middle..<part.upperBound, columns: middle..<middle + 1).values
        update.parts = upper.map { half * $0 } + lower.map { (coupling < 0 ? -half : half) * $0 }
        try deflate(&update)
        var found = values
        try conquer(update, &found)
        // Those that are left as they are follow.
        for (number, place) in update.left.enumerated() {
            let target = part.lowerBound + update.kept.count + number
            found[target] = values[place]
            try spare.put(row(place, update), row: target, column: part.lowerBound)
        }
        values = found
    }

    /// An eigenvector of a half, with zeros in the other.
    private func row(_ place: Int, _ update: Update) throws(CollabError) -> DoubleMatrix {
        let columns = update.columns(of: place)
        var row = DoubleMatrix(rows: 1, columns: update.part.count)
        let own = try vectors.part(rows: place..<place + 1, columns: columns)
        row.values.replaceSubrange(
            columns.lowerBound - update.part.lowerBound..<columns.upperBound - update.part.lowerBound,
            with: own.values
        )
        return row
    }

    /// Finds the eigenvectors that the update leaves as they are, of two with the same eigenvalue one (`dlaed2`).
    private mutating func deflate(_ update: inout Update) throws(CollabError) {
        let start = update.part.lowerBound
        let order = update.part.sorted { (values[$0], $0) < (values[$1], $1) }
        let largest = update.part.reduce(0) { max($0, abs(values[$1]), abs(update.parts[$1 - start])) }
        let tolerance = 8 * 0.5 * Double.ulpOfOne * largest
        var last: Int?
        for place in order {
            if update.factor * abs(update.parts[place - start]) <= tolerance {
                update.left.append(place)
                continue
            }
            guard let other = last else {
                last = place
                continue
            }
            let (first, second) = (update.parts[other - start], update.parts[place - start])
            let length = (first * first + second * second).squareRoot()
            let (c, s) = (second / length, -first / length)
            if abs((values[place] - values[other]) * c * s) > tolerance {
                update.kept.append(other)
                last = place
                continue
            }
            update.parts[place - start] = length
            update.parts[other - start] = 0
            try rotate(other, place, c, s, &update)
            let (low, high) = (values[other], values[place])
            values[other] = low * c * c + high * s * s
            values[place] = low * s * s + high * c * c
            update.left.append(other)
            last = place
        }
        if let last { update.kept.append(last) }
    }

    private func rotate(
        _ first: Int,
        _ second: Int,
        _ c: Double,
        _ s: Double,
        _ update: inout Update
    ) throws(CollabError) {
        var (a, b) = (try row(first, update), try row(second, update))
        for place in a.values.indices {
            let (x, y) = (a.values[place], b.values[place])
            a.values[place] = c * x + s * y
            b.values[place] = c * y - s * x
        }
        if update.columns(of: first) != update.columns(of: second) { update.wide.formUnion([first, second]) }
        try vectors.put(a, row: first, column: update.part.lowerBound)
        try vectors.put(b, row: second, column: update.part.lowerBound)
    }

    /// Finds the eigenvalues and eigenvectors of the update.
    private func conquer(_ update: Update, _ found: inout [Double]) throws(CollabError) {
        let (start, kept) = (update.part.lowerBound, update.kept)
        if kept.isEmpty { return }
        let old = kept.map { values[$0] }
        let parts = kept.map { update.parts[$0 - start] }
        let exact = try exactParts(old, parts, update.factor, &found, at: start)
        // Of those that lie in the same columns one after another, so that products leave out zeros.
        var arranged: [(columns: Range<Int>, indices: [Int])] = []
        for columns in [start..<update.middle, update.part, update.middle..<update.part.upperBound] {
            let indices = kept.indices.filter { update.columns(of: kept[$0]) == columns }
            if !indices.isEmpty { arranged.append((columns, indices)) }
        }
        let sequence = arranged.flatMap { $0.indices }
        let width = update.part.count
        let step = TaskMatrices.length(of: stripElements, max(width, kept.count))
        var differences = [Double](repeating: 0, count: kept.count)
        for strip in TaskMatrices.parts(of: kept.count, step) {
            var factors = DoubleMatrix(rows: strip.count, columns: kept.count)
            for place in strip {
                if place % 64 == 0 { try checkCancellation() }
                _ = try eigenvalue(place, old, parts, update.factor, &differences)
                if kept.count > 2 {
                    for index in differences.indices {
                        differences[index] = exact[index] / differences[index]
                    }
                }
                let length = differences.reduce(0) { $0 + $1 * $1 }.squareRoot()
                let row = (place - strip.lowerBound) * kept.count
                for (position, index) in sequence.enumerated() {
                    factors.values[row + position] = differences[index] / length
                }
            }
            var rows = DoubleMatrix(rows: strip.count, columns: width)
            var first = 0
            for (columns, indices) in arranged {
                let length = TaskMatrices.length(of: Self.pieceElements, columns.count)
                for piece in TaskMatrices.parts(of: indices.count, length) {
                    var own = DoubleMatrix(rows: 0, columns: columns.count)
                    own.values.reserveCapacity(piece.count * columns.count)
                    for index in indices[piece] {
                        let place = kept[index]
                        own.append(try vectors.part(rows: place..<place + 1, columns: columns), rows: 1)
                    }
                    try rows.put(
                        factors.factor(columns: first + piece.lowerBound..<first + piece.upperBound),
                        times: own.factor,
                        adding: true,
                        column: columns.lowerBound - start
                    )
                }
                first += indices.count
            }
            try spare.put(rows, row: start + strip.lowerBound, column: start)
        }
    }

    private func eigenvalue(
        _ place: Int,
        _ old: [Double],
        _ parts: [Double],
        _ factor: Double,
        _ differences: inout [Double]
    ) throws(CollabError) -> Double {
        try solved { () throws(KernelError) in
            try LinearAlgebra.updatedEigenvalue(
                place,
                of: old,
                parts: parts,
                factor: factor,
                differences: &differences
            )
        }
    }

    /// The eigenvalues, and the z with which the computed ones are those of the update exactly.
    private func exactParts(
        _ old: [Double],
        _ parts: [Double],
        _ factor: Double,
        _ found: inout [Double],
        at start: Int
    ) throws(CollabError) -> [Double] {
        let count = old.count
        var squares = [Double](repeating: 1, count: count)
        var differences = [Double](repeating: 0, count: count)
        for place in 0..<count {
            if place % 64 == 0 { try checkCancellation() }
            found[start + place] = try eigenvalue(place, old, parts, factor, &differences)
            if count <= 2 { continue }
            squares.withUnsafeMutableBufferPointer { squares in
                for index in 0..<count where index != place {
                    squares[index] *= differences[index] / (old[index] - old[place])
                }
                squares[place] *= differences[place]
            }
        }
        return zip(squares, parts).map { square, part in
            let length = max(0, -square).squareRoot()
            return part < 0 ? -length : length
        }
    }
}
