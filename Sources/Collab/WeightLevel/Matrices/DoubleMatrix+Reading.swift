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
}
