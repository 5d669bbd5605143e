public import Collab

/// The recorded calls of a run: what was asked of which model, and what it answered.
///
/// On disk a cassette is a JSON Lines file: a header line, then one line a call, keys sorted, so that two recordings
/// can be compared with `diff`. It holds requests and answers, never keys or headers.
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
        /// How long the call took, in seconds.
        public var seconds: Double

        /// Makes an entry.
        public init(
            model: String,
            request: Request,
            response: Response? = nil,
            failure: Failure? = nil,
            pieces: [String] = [],
            seconds: Double = 0
        ) {
            self.model = model
            self.request = request
            self.response = response
            self.failure = failure
            self.pieces = pieces
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
}
