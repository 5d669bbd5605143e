public import Collab

/// The recorded calls of a run: what was asked of which model, and what it answered.
///
/// On disk a cassette is a JSON Lines file: a header line, then one line a call, keys sorted. It holds requests and
/// answers, never keys or headers: where a server quoted the key that it was sent, `[redacted]` stands in its place. What differs between two recordings although the answers are the same – how long calls
/// took, and which of several at the same time ended first – is left out by ``canonical()``, so that two recordings can be
/// compared with `diff`.
public struct Cassette: Sendable {
    /// The schema that the header line names.
    public static let schema = "collab.cassette/1"

    /// One recorded call.
    public struct Entry: Sendable, Codable {
        /// The name of the model that was called.
        public var model: String
        /// What was asked, including the sample index.
        public var request: Request
        /// What was answered; `nil` if the call failed.
        public var response: Response?
        /// How the call failed; `nil` if it was answered.
        public var failure: Failure?
        /// The text as it came, piece by piece.
        public var pieces: [String]
        /// When each piece came, in seconds since the call began; `nil` if nobody took the time.
        public var pieceSeconds: [Double]?
        /// How long the call took, in seconds.
        public var seconds: Double

        /// Makes an entry.
        public init(
            model: String,
            request: Request,
            response: Response? = nil,
            failure: Failure? = nil,
            pieces: [String] = [],
            pieceSeconds: [Double]? = nil,
            seconds: Double = 0
        ) {
            self.model = model
            self.request = request
            self.response = response
            self.failure = failure
            self.pieces = pieces
            self.pieceSeconds = pieceSeconds
            self.seconds = seconds
        }
    }

    /// A recorded error.
    public struct Failure: Hashable, Sendable, Codable {
        /// The error's code.
        public var code: String
        /// The error's message.
        public var message: String
        /// What the error knew about the call, by which retries and the like decide; `nil` if it knew nothing.
        public var traits: FailureTraits?

        /// Makes a recorded error.
        public init(code: String, message: String, traits: FailureTraits? = nil) {
            self.code = code
            self.message = message
            self.traits = traits
        }
    }

    /// The calls, in the order in which they ended.
    public var entries: [Entry]

    /// Makes a cassette.
    public init(entries: [Entry] = []) {
        self.entries = entries
    }

    /// The same calls without their times, sorted by model and request; equal calls keep their order, by which they are
    /// replayed.
    ///
    /// It is the form for version control: a recording of the same answers gives the same file.
    public func canonical() -> Cassette {
        let keyed = entries.enumerated().map { index, entry in
            var entry = entry
            entry.seconds = 0
            entry.pieceSeconds = nil
            let request = (try? Cassette.line(entry.request)).map { [UInt8]($0) } ?? []
            return (model: Array(entry.model.utf8), request: request, index: index, entry: entry)
        }
        let sorted = keyed.sorted { left, right in
            if left.model != right.model { return left.model.lexicographicallyPrecedes(right.model) }
            if left.request != right.request { return left.request.lexicographicallyPrecedes(right.request) }
            return left.index < right.index
        }
        return Cassette(entries: sorted.map(\.entry))
    }
}

extension Cassette.Entry {
    /// The same as it may be written down: without keys that a server has quoted.
    ///
    /// A key that came in several pieces is taken out of all of them; there are as many as before, for their times.
    var withoutQuotedKeys: Cassette.Entry {
        guard let redactor = QuotedKeys.redactor else { return self }
        var entry = self
        entry.request = request.withoutQuotedKeys
        entry.response = response?.withoutQuotedKeys
        if let failure {
            entry.failure = Cassette.Failure(
                code: failure.code,
                message: redactor.scrub(failure.message),
                traits: failure.traits
            )
        }
        if let pieces = redactor.scrub(pieces: pieces.map { Array($0.utf8) }) {
            entry.pieces = pieces.map { String(decoding: $0, as: UTF8.self) }
        }
        return entry
    }
}
