/// A row-major matrix or a part of one as a factor of a product, as it stands or transposed; nothing is copied.
package struct MatrixFactor: Sendable {
    fileprivate let values: [Double]
    fileprivate let offset: Int
    /// How far apart rows are as stored.
    let stride: Int
    /// Whether rows and columns are exchanged.
    let isTransposed: Bool
    /// How many rows the factor has.
    package let rows: Int
    /// How many columns the factor has.
    package let columns: Int

    /// Some rows and columns of a matrix of so many columns.
    package init(_ values: [Double], stride: Int, rows: Range<Int>, columns: Range<Int>) {
        precondition(rows.isEmpty || columns.isEmpty || columns.upperBound <= stride)
        precondition(
            rows.isEmpty || columns.isEmpty
                || (rows.upperBound - 1) * stride + columns.upperBound <= values.count
        )
        self.values = values
        self.stride = max(1, stride)
        offset = rows.lowerBound * stride + columns.lowerBound
        isTransposed = false
        self.rows = rows.count
        self.columns = columns.count
    }

    private init(transposing other: MatrixFactor) {
        values = other.values
        stride = other.stride
        offset = other.offset
        isTransposed = !other.isTransposed
        rows = other.columns
        columns = other.rows
    }

    /// The same with rows and columns exchanged.
    package var transposed: MatrixFactor { MatrixFactor(transposing: self) }

    /// Some columns of the factor.
    package func columns(_ range: Range<Int>) -> MatrixFactor {
        precondition(range.upperBound <= columns)
        return MatrixFactor(self, columns: range)
    }

    private init(_ other: MatrixFactor, columns range: Range<Int>) {
        values = other.values
        stride = other.stride
        isTransposed = other.isTransposed
        offset = other.offset + range.lowerBound * (other.isTransposed ? other.stride : 1)
        rows = other.rows
        columns = range.count
    }

    /// Calls a closure with the address of the first element, or with none if there are no elements.
    func withAddress<Result>(_ body: (UnsafePointer<Double>?) -> Result) -> Result {
        values.withUnsafeBufferPointer { values in
            body(rows > 0 && columns > 0 ? values.baseAddress.map { $0 + offset } : nil)
        }
    }
}
