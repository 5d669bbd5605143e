/// A matrix that a merge computes in blocks of rows.
protocol BlockwiseMatrix: Sendable {
    /// How many rows are computed at a time.
    var rowsAtOnce: Int { get }
    /// How much memory it holds on to.
    var byteCount: Int { get }
    /// Computes some rows.
    func rows(_ range: Range<Int>) throws(CollabError) -> DoubleMatrix
}

/// The rule of a tensor whose values, or whose change from the base, are computed in blocks of rows.
///
/// Blocks begin at the same rows whatever is read, so that results do not depend on how a tensor is read. The latest two
/// are kept: whoever reads in order, or rows that have changed places within a block or two, has each computed once.
final class RowBlocks: TensorMerge {
    private struct Block {
        var index: Int
        var values: [Float]
    }

    private let matrix: any BlockwiseMatrix
    private let shape: (rows: Int, columns: Int)
    private let factor: Double
    private let addsBase: Bool
    private let latest = Protected<[Block]>([])
    static let keptBlocks = 2

    /// - Parameters:
    ///   - matrix: what is computed.
    ///   - tensor: the tensor, a matrix.
    ///   - factor: what it is multiplied by.
    ///   - addsBase: whether it is a change of the base.
    init(
        _ matrix: any BlockwiseMatrix,
        of tensor: TensorDescription,
        factor: Double = 1,
        addsBase: Bool
    ) {
        self.matrix = matrix
        shape = (tensor.shape[0], tensor.shape[1])
        self.factor = factor
        self.addsBase = addsBase
    }

    func merge(
        _ slice: TensorSlice,
        into output: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        let size = matrix.rowsAtOnce * shape.columns
        var start = slice.elements.lowerBound
        while start < slice.elements.upperBound {
            let (index, first) = start.quotientAndRemainder(dividingBy: size)
            let count = min(size - first, slice.elements.upperBound - start)
            let values = try block(index)
            let offset = start - slice.elements.lowerBound
            if addsBase {
                guard let base = slice.base else { return }
                for place in 0..<count {
                    let change = Double(values[first + place])
                    output[offset + place] = Float(Double(base[offset + place]) + change)
                }
            } else {
                for place in 0..<count { output[offset + place] = values[first + place] }
            }
            start += count
        }
    }

    private func block(_ index: Int) throws(CollabError) -> [Float] {
        // Held while a block is computed, so that threads that share a tensor compute it once.
        let result = latest.withLock { latest -> Result<[Float], CollabError> in
            if let known = latest.first(where: { $0.index == index }) { return .success(known.values) }
            if latest.count == Self.keptBlocks { latest.removeFirst() }
            let first = index * matrix.rowsAtOnce
            let computed = Result { () throws(CollabError) in
                try matrix.rows(first..<min(first + matrix.rowsAtOnce, shape.rows))
            }
            return computed.map { block in
                let values = block.values.map { Float(factor * $0) }
                latest.append(Block(index: index, values: values))
                return values
            }
        }
        return try result.get()
    }

    var heldByteCount: Int {
        let block = 4 * matrix.rowsAtOnce * shape.columns
        return matrix.byteCount + Self.keptBlocks * min(block, 4 * shape.rows * shape.columns)
    }
}
