extension DoubleMatrix {
    /// Reads some rows of a tensor of so many columns, without as many numbers in single precision beside them.
    init(
        reading tensor: String,
        of checkpoint: any Checkpoint,
        rows: Range<Int>,
        columns: Int
    ) throws(CollabError) {
        self.init(rows: rows.count, columns: columns)
        let first = rows.lowerBound * columns
        var slice = [Float](repeating: 0, count: min(values.count, TensorInputs.blockSize))
        for start in stride(from: 0, to: values.count, by: TensorInputs.blockSize) {
            try checkCancellation()
            let places = start..<min(start + TensorInputs.blockSize, values.count)
            try slice.withUnsafeMutableBufferPointer { slice throws(CollabError) in
                let part = UnsafeMutableBufferPointer(rebasing: slice[..<places.count])
                try checkpoint.read(
                    tensor,
                    elements: first + places.lowerBound..<first + places.upperBound,
                    into: part
                )
                values.withUnsafeMutableBufferPointer { values in
                    for index in part.indices { values[start + index] = Double(part[index]) }
                }
            }
        }
    }

    /// Reads some columns of some rows of a tensor of so many columns.
    init(
        reading tensor: String,
        of checkpoint: any Checkpoint,
        rows: Range<Int>,
        columns: Int,
        part: Range<Int>
    ) throws(CollabError) {
        if part.count == columns {
            try self.init(reading: tensor, of: checkpoint, rows: rows, columns: columns)
            return
        }
        self.init(rows: rows.count, columns: part.count)
        var slice = [Float](repeating: 0, count: min(part.count, TensorInputs.blockSize))
        for row in rows {
            try checkCancellation()
            for places in TaskMatrices.parts(of: part, TensorInputs.blockSize) {
                try slice.withUnsafeMutableBufferPointer { slice throws(CollabError) in
                    let read = UnsafeMutableBufferPointer(rebasing: slice[..<places.count])
                    let elements = row * columns + places.lowerBound..<row * columns + places.upperBound
                    try checkpoint.read(tensor, elements: elements, into: read)
                    let start = (row - rows.lowerBound) * part.count + places.lowerBound - part.lowerBound
                    values.withUnsafeMutableBufferPointer { values in
                        for index in read.indices { values[start + index] = Double(read[index]) }
                    }
                }
            }
        }
    }
}
