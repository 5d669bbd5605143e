public import Collab

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A file of decisions and what came of them, in JSON Lines: a ``Collab/RoutingOutcome`` a line.
///
/// What becomes known later, such as a user's verdict, is a line of its own, `{"id":"…","quality":1}`, and is put into
/// the outcomes of that id when the file is read. A line that was cut off, as by a crash, is passed over. The
/// questions stand in the file as they were asked: keep it as carefully as you keep them.
public struct OutcomeLog: OutcomeRecorder {
    private struct Judgement: Codable {
        var id: String
        var quality: Double
    }

    private let file: AppendingFile

    /// Opens a file for adding, and makes it if it is not there.
    ///
    /// Throws ``Collab/CollabError/Code/inputOutput`` if it can be neither.
    public init(at path: String) throws(CollabError) {
        if !FileManager.default.fileExists(atPath: path),
            !FileManager.default.createFile(atPath: path, contents: nil)
        {
            throw CollabError(.inputOutput, "The outcome log “\(path)” cannot be made.")
        }
        file = try AppendingFile(path: path)
        // A line that a crash cut off must not swallow the next.
        if let end = try? Data(contentsOf: URL(filePath: path)).last, end != UInt8(ascii: "\n") {
            try file.append([UInt8(ascii: "\n")])
        }
    }

    /// Adds outcomes.
    public func record(_ outcomes: [RoutingOutcome]) async throws(CollabError) {
        var lines: [UInt8] = []
        for outcome in outcomes { lines += try Self.line(outcome) }
        try file.append(lines)
    }

    /// Adds how good an answer turned out, from 0 to 1.
    ///
    /// Throws ``Collab/CollabError/Code/invalidRequest`` for another number.
    public func rate(_ id: String, quality: Double) throws(CollabError) {
        guard (0...1).contains(quality) else {
            throw CollabError(.invalidRequest, "The quality \(quality) does not lie between 0 and 1.")
        }
        try file.append(try Self.line(Judgement(id: id, quality: quality)))
    }

    private static func line(_ value: some Encodable) throws(CollabError) -> [UInt8] {
        Array(try Cassette.line(value))
    }

    /// The outcomes of a file, oldest first, with the later judgements in place.
    ///
    /// Throws ``Collab/CollabError/Code/fileNotFound`` if there is none, and ``Collab/CollabError/Code/malformedFile``
    /// with the number of the first line that is whole and yet makes no sense.
    public static func outcomes(at path: String) throws(CollabError) -> [RoutingOutcome] {
        guard FileManager.default.fileExists(atPath: path) else {
            throw CollabError(.fileNotFound, "There is no outcome log at “\(path)”.")
        }
        let data: Data
        do { data = try Data(contentsOf: URL(filePath: path)) } catch {
            throw CollabError(.inputOutput, "The outcome log “\(path)” cannot be read.", cause: error)
        }
        let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let decoder = JSONDecoder()
        var outcomes: [RoutingOutcome] = []
        var verdicts: [String: Double] = [:]
        for (index, line) in lines.enumerated() where !line.isEmpty {
            if let outcome = try? decoder.decode(RoutingOutcome.self, from: Data(line)) {
                outcomes.append(outcome)
            } else if let verdict = try? decoder.decode(Judgement.self, from: Data(line)) {
                verdicts[verdict.id] = verdict.quality
            } else if index < lines.count - 1, line.last == UInt8(ascii: "}") {
                throw CollabError(
                    .malformedFile,
                    "Line \(index + 1) of the outcome log “\(path)” is neither an outcome nor a judgement."
                )
            }
        }
        return outcomes.map { outcome in
            var outcome = outcome
            if let verdict = verdicts[outcome.id] {
                outcome.outcome.quality = verdict
                for index in outcome.members.indices
                where outcome.members[index].name == outcome.decision.asked ?? outcome.decision.choice {
                    outcome.members[index].quality = verdict
                }
            }
            return outcome
        }
    }
}
