public import Collab
import Foundation

/// Lines of a table: the first column to the left, the others to the right.
public struct TextTable: CustomStringConvertible {
    private var rows: [[String]]

    /// Makes a table that has nothing but its heading.
    public init(_ heading: String...) { rows = [heading] }

    /// Adds a row.
    public mutating func add(_ cells: [String]) { rows.append(cells) }

    /// The lines, with as much room between the columns as they need.
    public var description: String {
        let widths = (0..<(rows.map(\.count).max() ?? 0)).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            row.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + space : space + cell
            }
            .joined(separator: "  ")
        }
        .joined(separator: "\n")
    }
}

/// A number with so many decimals.
public func decimal(_ value: Double, _ places: Int) -> String { String(format: "%.\(places)f", value) }

/// A figure with the ends of its interval.
public func interval(_ value: ConfidenceInterval, _ places: Int, times factor: Double = 1) -> String {
    let ends = [value.estimate, value.lower, value.upper].map { decimal($0 * factor, places) }
    return "\(ends[0]) (\(ends[1]) to \(ends[2]))"
}
