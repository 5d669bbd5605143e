public import Collab

/// What is known about a call to a server that failed: the cause of the errors that remote models throw.
///
/// ```swift
/// do throws(CollabError) {
///     print(try await model.respond(to: "…").text)
/// } catch {
///     if let failure = error.remoteFailure {
///         print(failure.kind, failure.retryAfter as Any, failure.partial?.text ?? "")
///     }
/// }
/// ```
public struct RemoteFailure: Error, Sendable {
    /// The class of a failure, by which a program decides what to do next.
    public struct Kind: Hashable, Sendable, CustomStringConvertible {
        /// The spelling that is printed.
        public let description: String

        /// Makes a class of your own.
        public init(_ description: String) {
            self.description = description
        }
    }

    /// The class.
    public var kind: Kind
    /// The HTTP status, if there was an answer.
    public var status: Int?
    /// The server's own identifier of the request.
    public var requestID: String?
    /// How long the server asks to wait.
    public var retryAfter: Duration?
    /// Whether the server itself says that trying again makes sense.
    public var advisesRetry: Bool?
    /// The longest context that the server says it has, in tokens.
    public var contextLength: Int?
    /// Whether the server may have worked on the request, and charge for it.
    public var isPossiblyBilled: Bool
    /// The answer as far as it had arrived.
    public var partial: Response?
    /// Whether the usage of the partial answer is an estimate rather than the server's own count.
    public var isUsageEstimated: Bool

    /// Makes a failure.
    public init(
        _ kind: Kind,
        status: Int? = nil,
        requestID: String? = nil,
        retryAfter: Duration? = nil,
        advisesRetry: Bool? = nil,
        contextLength: Int? = nil,
        isPossiblyBilled: Bool = false,
        partial: Response? = nil,
        isUsageEstimated: Bool = true
    ) {
        self.kind = kind
        self.status = status
        self.requestID = requestID
        self.retryAfter = retryAfter
        self.advisesRetry = advisesRetry
        self.contextLength = contextLength
        self.isPossiblyBilled = isPossiblyBilled
        self.partial = partial
        self.isUsageEstimated = isUsageEstimated
    }
}

extension RemoteFailure.Kind {
    /// The request never reached the server: name, connection, certificate.
    public static let notSent = Self("notSent")
    /// The request was sent, and the connection broke before the answer began.
    public static let answerLost = Self("answerLost")
    /// The connection broke during the answer.
    public static let interrupted = Self("interrupted")
    /// The answer ended in good order but without saying that it was complete.
    public static let truncated = Self("truncated")
    /// A phase of the call took too long.
    public static let timeout = Self("timeout")
    /// The answer is not what the protocol prescribes.
    public static let malformed = Self("malformed")
    /// The server sends the client somewhere else.
    public static let redirected = Self("redirected")
    /// Too many requests.
    public static let rateLimited = Self("rateLimited")
    /// The account has no more credit; waiting does not help.
    public static let quotaExhausted = Self("quotaExhausted")
    /// The server is up but cannot serve now.
    public static let overloaded = Self("overloaded")
    /// The server failed.
    public static let serverError = Self("serverError")
    /// The key is missing or wrong.
    public static let unauthenticated = Self("unauthenticated")
    /// The key does not allow this.
    public static let forbidden = Self("forbidden")
    /// There is no such model or path.
    public static let notFound = Self("notFound")
    /// The prompt and the answer do not fit the model's context.
    public static let contextTooLong = Self("contextTooLong")
    /// The request is larger than the server takes.
    public static let tooLarge = Self("tooLarge")
    /// The server does not understand or accept the request.
    public static let invalidRequest = Self("invalidRequest")
    /// The server refuses the content.
    public static let contentFiltered = Self("contentFiltered")

    /// The code of the error that carries a failure of this class.
    var code: CollabError.Code {
        switch self {
        case .notSent, .answerLost, .interrupted, .redirected: .transport
        case .truncated: .truncatedResponse
        case .timeout: .timeout
        case .malformed: .malformedResponse
        case .rateLimited, .quotaExhausted: .rateLimited
        case .unauthenticated, .forbidden: .unauthorized
        case .contextTooLong: .contextOverflow
        case .notFound, .tooLarge, .invalidRequest, .contentFiltered: .invalidRequest
        default: .serverError
        }
    }
}

extension RemoteFailure: CustomStringConvertible {
    /// The facts in one line; of the partial answer only its length.
    public var description: String {
        var parts = ["\(kind)"]
        if let status { parts.append("status \(status)") }
        if let requestID { parts.append("request \(escapingControls(requestID, limit: 80))") }
        if let contextLength { parts.append("context of \(contextLength) tokens") }
        if let partial, !partial.text.isEmpty { parts.append("\(partial.text.count) characters had arrived") }
        if isPossiblyBilled { parts.append("possibly billed") }
        return parts.joined(separator: ", ")
    }
}

extension CollabError {
    /// What is known about the call, if a call to a server is what failed.
    public var remoteFailure: RemoteFailure? {
        if let failure = cause as? RemoteFailure { return failure }
        return (cause as? CollabError)?.remoteFailure
    }
}
