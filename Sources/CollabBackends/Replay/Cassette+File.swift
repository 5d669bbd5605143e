public import Collab

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Cassette {
    /// The first line of the file.
    struct Header: Codable {
        var schema: String
    }

    /// Reads a cassette.
    ///
    /// Throws ``CollabError/Code/fileNotFound`` if there is none, and ``CollabError/Code/malformedFile`` with the
    /// number of the first bad line.
    public init(contentsOf path: String) throws(CollabError) {
        guard FileManager.default.fileExists(atPath: path) else {
            throw CollabError(.fileNotFound, "There is no cassette at “\(path)”; record one first.")
        }
        let data: Data
        do { data = try Data(contentsOf: URL(filePath: path)) } catch {
            throw CollabError(.inputOutput, "The cassette “\(path)” cannot be read.", cause: error)
        }
        try self.init(lines: data, path: path)
    }

    init(lines data: Data, path: String) throws(CollabError) {
        let decoder = JSONDecoder()
        var entries: [Entry] = []
        var sawHeader = false
        var number = 0
        for line in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            if line.isEmpty { continue }
            do {
                if sawHeader {
                    entries.append(try decoder.decode(Entry.self, from: Data(line)))
                } else {
                    let schema = try decoder.decode(Header.self, from: Data(line)).schema
                    guard schema == Cassette.schema else {
                        throw CollabError(
                            .malformedFile,
                            "“\(path)” has the schema “\(schema)”; this version reads “\(Cassette.schema)”."
                        )
                    }
                    sawHeader = true
                }
            } catch let error as CollabError {
                throw error
            } catch {
                throw CollabError(
                    .malformedFile,
                    "Line \(number) of the cassette “\(path)” is not a recorded call.",
                    cause: error
                )
            }
        }
        guard sawHeader else {
            throw CollabError(.malformedFile, "“\(path)” is empty; a cassette begins with a header line.")
        }
        self.init(entries: entries)
    }

    /// Writes the cassette, replacing the file in one step.
    ///
    /// Throws ``CollabError/Code/inputOutput`` if it cannot be written.
    public func write(to path: String) throws(CollabError) {
        var data = try Cassette.line(Header(schema: Cassette.schema))
        for entry in entries { data.append(try Cassette.line(entry.withoutQuotedKeys)) }
        do { try data.write(to: URL(filePath: path), options: .atomic) } catch {
            throw CollabError(.inputOutput, "The cassette “\(path)” cannot be written.", cause: error)
        }
    }

    /// A value as one line of JSON with sorted keys.
    static func line(_ value: some Encodable) throws(CollabError) -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            var data = try encoder.encode(value)
            data.append(UInt8(ascii: "\n"))
            return data
        } catch {
            throw CollabError(.inputOutput, "A recorded call cannot be written as JSON.", cause: error)
        }
    }
}
