/// The one error type of the library: what happened, where, why, and what to do about it.
///
/// An error prints as a tree: the message, the place in the pipeline, then the cause beneath it. No error ever
/// contains a key or another secret.
public struct CollabError: Error, Sendable {
    /// What kind of failure this is; stable, without payload, fit for a metric label or a `switch`.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The spelling that is printed.
        public let description: String

        /// Makes a code of your own, for stages and backends outside the library.
        public init(_ description: String) {
            self.description = description
        }
    }

    /// The kind of failure.
    public var code: Code
    /// What went wrong and what to do, in one or two sentences.
    public var message: String
    /// Where it happened, outermost place first: pipeline, stage, member.
    public var path: [String]
    /// The error beneath this one.
    public var cause: (any Error)?

    /// Makes an error.
    public init(_ code: Code, _ message: String, path: [String] = [], cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.path = path
        self.cause = cause
    }

    /// The same error, seen from one place further out.
    public func within(_ place: String) -> CollabError {
        var error = self
        error.path.insert(place, at: 0)
        return error
    }
}

extension CollabError.Code {
    /// The surrounding task was cancelled.
    public static let cancelled = Self("cancelled")
    /// The run's budget admits no further call.
    public static let budgetExhausted = Self("budgetExhausted")
    /// A request that no model could answer: empty, contradictory, or out of range.
    public static let invalidRequest = Self("invalidRequest")
    /// The prompt and what has been written no longer fit the model's context.
    public static let contextOverflow = Self("contextOverflow")
    /// A team, fusion or merge without members.
    public static let emptyTeam = Self("emptyTeam")
    /// Models whose vocabularies differ were asked to share next-token distributions.
    public static let vocabularyMismatch = Self("vocabularyMismatch")
    /// Checkpoints whose tensors differ in name or shape were asked to be merged.
    public static let tensorMismatch = Self("tensorMismatch")
    /// A value that must be finite is NaN or infinite.
    public static let notFinite = Self("notFinite")
    /// Every token was masked out.
    public static let nothingToSample = Self("nothingToSample")
    /// A file that is not there or cannot be opened.
    public static let fileNotFound = Self("fileNotFound")
    /// A file that is not what it claims to be.
    public static let malformedFile = Self("malformedFile")
    /// A file whose SHA-256 is not the expected one.
    public static let checksumMismatch = Self("checksumMismatch")
    /// Something well-formed that this version cannot do.
    public static let unsupported = Self("unsupported")
    /// The server could not be reached, or the connection broke.
    public static let transport = Self("transport")
    /// A phase of a call took longer than allowed.
    public static let timeout = Self("timeout")
    /// The server refused the credentials.
    public static let unauthorized = Self("unauthorized")
    /// The server asks for fewer requests.
    public static let rateLimited = Self("rateLimited")
    /// The model has failed too often and is not asked for a while.
    public static let circuitOpen = Self("circuitOpen")
    /// None of the replicas of a model can be asked.
    public static let replicasDown = Self("replicasDown")
    /// The server answered with an error.
    public static let serverError = Self("serverError")
    /// The server's answer ended before it was complete.
    public static let truncatedResponse = Self("truncatedResponse")
    /// The server's answer is not what the protocol prescribes.
    public static let malformedResponse = Self("malformedResponse")
    /// A replayed run asked for something that was never recorded.
    public static let replayMiss = Self("replayMiss")
    /// A router, judge or extractor could not make sense of a model's answer.
    public static let unparsed = Self("unparsed")
    /// More memory would be needed than the configuration allows.
    public static let memoryLimit = Self("memoryLimit")
    /// A closure or type of the caller's own failed; the cause tells how.
    public static let callerFailed = Self("callerFailed")
    /// Reading or writing failed in the operating system.
    public static let inputOutput = Self("inputOutput")
}

extension CollabError {
    /// The error for a cancelled task.
    public static var cancelled: CollabError { CollabError(.cancelled, "The task was cancelled.") }

    /// Wraps any error; a `CollabError` stays as it is, and a `CancellationError` becomes ``Code/cancelled``.
    public init(wrapping error: any Error, as code: Code = .callerFailed, _ message: String? = nil) {
        switch error {
        case let error as CollabError: self = error
        case is CancellationError: self = .cancelled
        default: self.init(code, message ?? "A closure passed to Collab failed.", cause: error)
        }
    }
}

extension CollabError: CustomStringConvertible {
    /// The error as a tree, causes beneath.
    public var description: String {
        var lines = ["\(code): \(message)"]
        if !path.isEmpty { lines.append("├ at \(path.joined(separator: " › "))") }
        if let cause {
            let inner = String(describing: cause).split(separator: "\n", omittingEmptySubsequences: false)
            for (index, line) in inner.enumerated() { lines.append((index == 0 ? "└ " : "  ") + line) }
        }
        return lines.joined(separator: "\n")
    }
}

/// Throws ``CollabError/cancelled`` where the surrounding task, or what this thread does for another, has been cancelled.
package func checkCancellation() throws(CollabError) {
    if Task.isCancelled || ThreadCancellation.isRequested { throw .cancelled }
}
