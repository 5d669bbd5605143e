public import Collab

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A file of what a search for a merge has tried, in JSON Lines: a point and its loss a line, so that a search that was
/// broken off goes on where it was.
///
/// ```swift
/// let outcome = try await search.run(journal: SearchJournal(at: "search.jsonl")) { weights in
///     try await loss(of: merge(weights))
/// }
/// ```
///
/// A trial is in the file before the next one begins. A line that was cut off, as by a crash, is passed over. An identity,
/// if there is one, is the first line: what the losses depend on beside the point, such as the models, the method and the
/// texts, so that a file is not taken for that of another objective.
public struct SearchJournal: Sendable {
    /// A loss of `nil` is infinite, which JSON has no number for.
    private struct Line: Codable {
        var point: [Double]
        var loss: Double?
        /// Whether the loss is −∞.
        var isLeast: Bool?

        init(_ trial: MergeSearch.Trial) {
            point = trial.point
            loss = trial.loss.isFinite ? trial.loss : nil
            isLeast = trial.loss == -.infinity ? true : nil
        }

        var trial: MergeSearch.Trial {
            .init(point: point, loss: loss ?? (isLeast == true ? -.infinity : .infinity))
        }
    }

    /// Whether a line that cannot be read could be the beginning of one that was written here.
    private static func beginsLikeOurs(_ line: Data) -> Bool {
        ["{\"identity\"", "{\"point\"", "{\"loss\"", "{\"isLeast\""].contains { line.starts(with: $0.utf8) }
    }

    private struct Heading: Codable {
        var identity: String
    }

    /// The trials that the file held when it was opened, in their order.
    public let trials: [MergeSearch.Trial]
    /// What the losses depend on beside the point; `nil` if nothing says so.
    public let identity: String?
    private let file: AppendingFile

    /// Opens a file for reading and adding, and makes it if it is not there.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - identity: what the losses depend on beside the point; `nil` takes whatever is there.
    ///
    /// Throws ``Collab/CollabError/Code/inputOutput`` if it can be neither,
    /// ``Collab/CollabError/Code/malformedFile`` with the number of a whole line that is no trial, and
    /// ``Collab/CollabError/Code/invalidRequest`` for trials of another identity, or of none.
    public init(at path: String, identity: String? = nil) throws(CollabError) {
        if !FileManager.default.fileExists(atPath: path),
            !FileManager.default.createFile(atPath: path, contents: nil)
        {
            throw CollabError(.inputOutput, "The journal “\(path)” cannot be made.")
        }
        let data: Data
        do { data = try Data(contentsOf: URL(filePath: path)) } catch {
            throw CollabError(.inputOutput, "The journal “\(path)” cannot be read.", cause: error)
        }
        var trials: [MergeSearch.Trial] = []
        var found: String?
        var isCut = false
        let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() where !line.isEmpty {
            // Behind the last end of a line there is nothing, or what was cut off, wherever that was.
            let isLast = index == lines.count - 1
            if let line = try? JSONDecoder().decode(Line.self, from: Data(line)) {
                trials.append(line.trial)
            } else if trials.isEmpty, found == nil,
                let heading = try? JSONDecoder().decode(Heading.self, from: Data(line))
            {
                found = heading.identity
            } else if isLast, found != nil || !trials.isEmpty || Self.beginsLikeOurs(line) {
                isCut = true
            } else if line.last == UInt8(ascii: "}") {
                throw CollabError(.malformedFile, "Line \(index + 1) of the journal “\(path)” is no trial.")
            }
        }
        if let identity, found != nil || !trials.isEmpty, found != identity {
            throw CollabError(
                .invalidRequest,
                "The journal “\(path)” is of another objective: it has \(found.map { "“\($0)”" } ?? "no identity") where "
                    + "“\(identity)” is searched."
            )
        }
        self.trials = trials
        self.identity = identity ?? found
        file = try AppendingFile(path: path)
        // What a crash cut off must neither swallow the next line nor look whole when it is not the last any more.
        if let end = data.last, end != UInt8(ascii: "\n") {
            try file.append(Array((isCut ? " (cut off)\n" : "\n").utf8))
        }
        if let identity, found == nil {
            try file.append(Array(try Cassette.line(Heading(identity: identity))))
        }
    }

    /// Adds a trial.
    public func record(_ trial: MergeSearch.Trial) throws(CollabError) {
        try file.append(Array(try Cassette.line(Line(trial))))
    }
}

extension MergeSearch {
    /// Runs the search, trying nothing again that is in the journal, and adding what is new to it.
    ///
    /// - Parameters:
    ///   - journal: the file of this search.
    ///   - report: told of every trial, old or new.
    ///   - objective: the loss at a point; infinity for a point that cannot be used.
    ///
    /// Throws what ``Collab/MergeSearch/run(resuming:recording:reporting:objective:)`` throws.
    public func run(
        journal: SearchJournal,
        reporting report: (Progress) -> Void = { _ in },
        objective: @escaping @Sendable (_ point: [Double]) async throws(CollabError) -> Double
    ) async throws(CollabError) -> Outcome {
        try await run(
            resuming: journal.trials,
            recording: { (trial) throws(CollabError) in try journal.record(trial) },
            reporting: report,
            objective: objective
        )
    }
}
