internal import CollabKernels

/// A matrix in double precision in a scratch file, row by row, for what there is no memory for.
///
/// Who writes and reads at the same time takes care of the order. What is in memory are the parts that are asked for.
final class StoredMatrix: Sendable {
    let rows: Int
    let columns: Int
    private let file: ScratchFile

    /// Takes the space of a matrix whose elements are not known yet.
    ///
    /// Throws ``CollabError/Code/inputOutput`` where the disk has no space.
    init(rows: Int, columns: Int) throws(CollabError) {
        self.rows = rows
        self.columns = columns
        file = try stored { () throws(KernelError) in try ScratchFile(byteCount: 8 * rows * columns) }
    }

    /// Reads a row, or a part of one, to where there is space for as many numbers.
    func read(_ row: Int, from column: Int = 0, into buffer: UnsafeMutableBufferPointer<Double>)
        throws(CollabError)
    {
        precondition(row < rows && column + buffer.count <= columns)
        try stored { () throws(KernelError) in
            try file.read(UnsafeMutableRawBufferPointer(buffer), at: 8 * (row * columns + column))
        }
    }

    /// Some rows, and of these some columns.
    func part(rows: Range<Int>, columns: Range<Int>? = nil) throws(CollabError) -> DoubleMatrix {
        var part = DoubleMatrix(rows: rows.count, columns: 0)
        try read(rows: rows, columns: columns, into: &part)
        return part
    }

    /// Puts some rows, and of these some columns, in the place of another matrix, whose memory is used again.
    func read(
        rows: Range<Int>,
        columns: Range<Int>? = nil,
        into part: inout DoubleMatrix
    ) throws(CollabError) {
        try checkCancellation()
        let places = columns ?? 0..<self.columns
        precondition(rows.upperBound <= self.rows && places.upperBound <= self.columns)
        let count = rows.count * places.count
        if part.values.count < count {
            part.values = [Double](repeating: 0, count: count)
        } else {
            part.values.removeLast(part.values.count - count)
        }
        part = DoubleMatrix(rows: rows.count, columns: places.count, values: part.values)
        try part.values.withUnsafeMutableBufferPointer { values throws(CollabError) in
            let bytes = UnsafeMutableRawBufferPointer(values)
            try forEachRun(rows, places) { run, place throws(KernelError) in
                try file.read(UnsafeMutableRawBufferPointer(rebasing: bytes[run]), at: place)
            }
        }
    }

    /// Writes a matrix where its upper left corner is at a place.
    func put(_ part: DoubleMatrix, row: Int = 0, column: Int = 0) throws(CollabError) {
        try checkCancellation()
        precondition(row + part.rows <= rows && column + part.columns <= columns)
        try part.values.withUnsafeBufferPointer { values throws(CollabError) in
            let bytes = UnsafeRawBufferPointer(values)
            try forEachRun(row..<row + part.rows, column..<column + part.columns) {
                run,
                place throws(KernelError) in
                try file.write(UnsafeRawBufferPointer(rebasing: bytes[run]), at: place)
            }
        }
    }

    /// Calls a closure with the bytes of a part, and where they are in the file, in as few runs as there are.
    private func forEachRun(
        _ rows: Range<Int>,
        _ places: Range<Int>,
        _ body: (Range<Int>, Int) throws(KernelError) -> Void
    ) throws(CollabError) {
        if rows.isEmpty || places.isEmpty { return }
        try stored { () throws(KernelError) in
            if places.count == columns {
                return try body(0..<8 * rows.count * columns, 8 * rows.lowerBound * columns)
            }
            for row in rows {
                let start = 8 * (row - rows.lowerBound) * places.count
                try body(start..<start + 8 * places.count, 8 * (row * columns + places.lowerBound))
            }
        }
    }
}

/// What a scratch file is asked for, with this library's errors.
private func stored<Value>(_ body: () throws(KernelError) -> Value) throws(CollabError) -> Value {
    do throws(KernelError) { return try body() } catch {
        throw CollabError(.inputOutput, "A merge of whole matrices: \(error.message)", cause: error)
    }
}
