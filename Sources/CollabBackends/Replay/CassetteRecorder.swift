public import Collab

/// Takes down the calls of the models that record to it.
///
/// Each call is on disk before its answer is handed on, so that nothing already paid for is lost if the program ends.
public final class CassetteRecorder: Sendable {
    private struct State {
        var entries: [Cassette.Entry] = []
        var file: AppendingFile?
    }

    private let state: Protected<State>
    private let redact: @Sendable (Cassette.Entry) -> Cassette.Entry

    /// Records in memory only; take the recording from ``cassette``.
    public init(redacting redact: @escaping @Sendable (Cassette.Entry) -> Cassette.Entry = { $0 }) {
        state = Protected(State())
        self.redact = redact
    }

    /// Records to a new file; an existing one is replaced.
    ///
    /// - Parameter redact: changes an entry before it is kept, for example to mask personal data.
    ///
    /// Throws ``CollabError/Code/inputOutput`` if the file cannot be made.
    public init(
        writingTo path: String,
        redacting redact: @escaping @Sendable (Cassette.Entry) -> Cassette.Entry = { $0 }
    ) throws(CollabError) {
        try Cassette().write(to: path)
        state = Protected(State(file: try AppendingFile(path: path)))
        self.redact = redact
    }

    /// What has been recorded so far.
    public var cassette: Cassette {
        state.withLock { Cassette(entries: $0.entries) }
    }

    func add(_ entry: Cassette.Entry) throws(CollabError) {
        let entry = redact(entry).withoutQuotedKeys
        let line = try Cassette.line(entry)
        try state.withLock { (state) throws(CollabError) in
            state.entries.append(entry)
            try state.file?.append([UInt8](line))
        }
    }
}
