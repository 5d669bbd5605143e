/// Numbers in rows of one length, row after row: embeddings, or what each model scored on each question.
public struct Table: Hashable, Sendable {
    /// How many rows.
    public private(set) var rows: Int
    /// How many numbers a row has.
    public let columns: Int
    /// The numbers, row after row.
    public var values: [Float]

    /// Makes a table of one value.
    public init(rows: Int, columns: Int, repeating value: Float = 0) {
        self.rows = max(rows, 0)
        self.columns = max(columns, 0)
        values = [Float](repeating: value, count: self.rows * self.columns)
    }

    /// Makes a table of rows that all have the length of the first; longer ones are cut, shorter ones filled with NaN.
    public init(_ rows: [[Float]]) {
        let columns = rows.first?.count ?? 0
        self.rows = rows.count
        self.columns = columns
        values = []
        values.reserveCapacity(rows.count * columns)
        for row in rows {
            values.append(contentsOf: row.prefix(columns))
            if row.count < columns { values += repeatElement(.nan, count: columns - row.count) }
        }
    }

    /// Makes a table of numbers that come row after row; incomplete rows at the end are dropped.
    public init(columns: Int, values: [Float]) {
        self.columns = max(columns, 0)
        rows = self.columns > 0 ? values.count / self.columns : 0
        self.values = Array(values.prefix(rows * self.columns))
    }

    /// One number.
    public subscript(row: Int, column: Int) -> Float {
        get { values[row * columns + column] }
        set { values[row * columns + column] = newValue }
    }

    /// One row.
    public func row(_ index: Int) -> ArraySlice<Float> { values[index * columns..<(index + 1) * columns] }

    /// One column.
    public func column(_ index: Int) -> [Float] { (0..<rows).map { self[$0, index] } }

    /// The rows at some places, in the order of the places.
    public func selecting(_ places: [Int]) -> Table {
        var result = Table(rows: 0, columns: columns)
        result.values.reserveCapacity(places.count * columns)
        for place in places { result.values.append(contentsOf: row(place)) }
        result.rows = places.count
        return result
    }

    /// Adds a row, which must have as many numbers as the others.
    mutating func append(_ row: some Collection<Float>) {
        precondition(row.count == columns)
        values.append(contentsOf: row)
        rows += 1
    }
}
