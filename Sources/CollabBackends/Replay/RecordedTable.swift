import Collab

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Rows of a file of records, each cell under the name of its column.
enum RecordedTable {
    /// Reads JSON Lines, or comma-separated values where the path ends in `.csv`.
    static func rows(of path: String) throws(CollabError) -> [JSONValue] {
        guard FileManager.default.fileExists(atPath: path) else {
            throw CollabError(.fileNotFound, "There are no recorded answers at “\(path)”.")
        }
        let data: Data
        do { data = try Data(contentsOf: URL(filePath: path)) } catch {
            throw CollabError(.inputOutput, "The recorded answers “\(path)” cannot be read.", cause: error)
        }
        return path.lowercased().hasSuffix(".csv")
            ? try commaSeparated([UInt8](data), path) : try lines([UInt8](data), path)
    }

    private static func lines(_ bytes: [UInt8], _ path: String) throws(CollabError) -> [JSONValue] {
        var rows: [JSONValue] = []
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() where !line.allSatisfy({ $0 <= 0x20 }) {
            do { rows.append(try JSONValue(parsing: Array(line))) } catch {
                throw CollabError(.malformedFile, "Line \(index + 1) of “\(path)” is not JSON.", cause: error)
            }
        }
        return rows
    }

    /// Comma-separated values as RFC 4180 has them: cells in quotes may hold commas, line ends and doubled quotes.
    static func commaSeparated(_ bytes: [UInt8], _ path: String) throws(CollabError) -> [JSONValue] {
        let records = try records(bytes, path)
        guard let names = records.first else { return [] }
        var rows: [JSONValue] = []
        for (index, record) in records.dropFirst().enumerated() {
            guard record.count == names.count else {
                throw CollabError(
                    .malformedFile,
                    "Record \(index + 1) of “\(path)” has \(record.count) cells; the heading has \(names.count)."
                )
            }
            var row = JSONObject()
            for (name, cell) in zip(names, record) where !row.append(name, .string(cell)) {
                throw CollabError(.malformedFile, "The heading of “\(path)” has “\(name)” twice.")
            }
            rows.append(.object(row))
        }
        return rows
    }

    private static func records(_ bytes: [UInt8], _ path: String) throws(CollabError) -> [[String]] {
        var records: [[String]] = []
        var record: [String] = []
        var cell: [UInt8] = []
        var (isQuoted, wasQuoted, line) = (false, false, 1)
        var position = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
        func endRecord() {
            record.append(String(decoding: cell, as: UTF8.self))
            if record != [""] || wasQuoted { records.append(record) }
            (record, cell, wasQuoted) = ([], [], false)
        }
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\n") { line += 1 }
            if isQuoted {
                guard byte == UInt8(ascii: "\"") else { cell.append(byte); continue }
                if position < bytes.count, bytes[position] == byte {
                    cell.append(byte)
                    position += 1
                } else {
                    isQuoted = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\"") where cell.isEmpty && !wasQuoted: (isQuoted, wasQuoted) = (true, true)
            case UInt8(ascii: ","):
                record.append(String(decoding: cell, as: UTF8.self))
                (cell, wasQuoted) = ([], false)
            case UInt8(ascii: "\n"): endRecord()
            case UInt8(ascii: "\r") where position < bytes.count && bytes[position] == UInt8(ascii: "\n"):
                continue
            case _ where wasQuoted:
                throw CollabError(.malformedFile, "Line \(line) of “\(path)” goes on after a closing quote.")
            default: cell.append(byte)
            }
        }
        if isQuoted { throw CollabError(.malformedFile, "“\(path)” ends within quotes.") }
        if !cell.isEmpty || !record.isEmpty || wasQuoted { endRecord() }
        return records
    }
}
