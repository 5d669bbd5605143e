internal import Collab

/// Why a call has no complete answer.
enum RemoteProblem: Error {
    case cancelled
    /// The network.
    case transport(TransportError)
    /// An error status with what the server says about it.
    case refused(ResponseHead, ServerComplaint)
    /// The answer as far as it can be understood.
    case assembly(ResponseHead, AnswerAssembly.Problem)
    /// The stream ended in good order but without its end.
    case truncated(ResponseHead)
    /// Something other than a stream of events or a JSON answer.
    case noStream(ResponseHead, String)

    /// An error status with as much of the server's explanation as can be had and is worth reading.
    static func refusal(_ exchange: Exchange) async -> RemoteProblem {
        let body = (try? await exchange.body(upTo: 64 << 10)) ?? []
        return .refused(exchange.head, ServerComplaint(body: body))
    }

    var isTransport: Bool { if case .transport = self { true } else { false } }

    var isCancellation: Bool {
        switch self {
        case .cancelled: true
        case .transport(let error): error.isCancellation
        default: false
        }
    }

    /// The facts, but for the partial answer.
    var failure: RemoteFailure {
        switch self {
        case .cancelled: return RemoteFailure(.interrupted)
        case .transport(let error):
            return RemoteFailure(
                error.kind,
                status: error.head?.status,
                requestID: error.head?.requestID,
                isPossiblyBilled: error.wasSent && error.kind != .redirected
            )
        case .refused(let head, let complaint):
            return RemoteFailure(
                complaint.kind(httpStatus: head.status),
                status: head.status,
                requestID: head.requestID,
                retryAfter: head.retryAfter,
                advisesRetry: head.advisesRetry,
                contextLength: complaint.contextLength
            )
        case .assembly(let head, .complaint(let complaint)):
            var failure = RemoteFailure(complaint.kind(httpStatus: nil), status: complaint.status)
            failure.requestID = head.requestID
            failure.contextLength = complaint.contextLength
            failure.isPossiblyBilled = true
            return failure
        case .assembly(let head, _), .noStream(let head, _):
            return RemoteFailure(
                .malformed,
                status: head.status,
                requestID: head.requestID,
                isPossiblyBilled: true
            )
        case .truncated(let head):
            return RemoteFailure(
                .truncated,
                status: head.status,
                requestID: head.requestID,
                isPossiblyBilled: true
            )
        }
    }

    /// What happened and what to do.
    ///
    /// - Parameter scrub: takes secrets out of a text before it is cut to length, which might leave half of one.
    func message(server: String, model: String, scrub: (String) -> String) -> String {
        func quote(_ text: String?, limit: Int = 500) -> String {
            guard let text, !text.isEmpty else { return "" }
            return ": “\(escapingControls(scrub(text), limit: limit))”"
        }
        switch self {
        case .cancelled: return "The task was cancelled."
        case .transport(let error): return error.description
        case .refused(let head, let complaint):
            let kind = complaint.kind(httpStatus: head.status)
            let wait = head.retryAfter.map { " It asks to wait \($0)." } ?? ""
            return
                "\(server) \(kind.verb) (\(head.status))\(quote(complaint.message)).\(wait)\(kind.hint(model))"
        case .assembly(_, .complaint(let complaint)):
            let kind = complaint.kind(httpStatus: nil)
            return
                "\(server) broke its answer off: it \(kind.verb)\(quote(complaint.message)).\(kind.hint(model))"
        case .assembly(_, .malformed(let what)):
            return "The answer of \(server) cannot be understood: \(escapingControls(scrub(what)))."
        case .assembly(_, .endless):
            return "\(server) wrote on far beyond the limit of tokens that it was given."
        case .truncated:
            return "The answer of \(server) ended without saying that it was complete."
        case .noStream(let head, let excerpt):
            let type = head.mediaType.isEmpty ? "without a content type" : "as \(head.mediaType)"
            return "\(server) did not answer with a stream of events but with something else, sent "
                + "\(escapingControls(scrub(type), limit: 100))\(quote(excerpt, limit: 160))."
        }
    }
}

extension TransportError {
    /// The class of the failure.
    var kind: RemoteFailure.Kind {
        switch reason {
        case .redirect: .redirected
        case .transfer(.timeout): .timeout
        case .transfer(.headTooLarge), .transfer(.bodyTooLarge), .transfer(.malformedHead): .malformed
        case .transfer(.connection(let failure)):
            switch failure.kind {
            case .badEncoding: .malformed
            // Bytes that are no HTTP and no answer either: whether the server has worked on the request is not known.
            case .notHTTP where head != nil: .malformed
            default: !wasSent ? .notSent : head == nil ? .answerLost : .interrupted
            }
        case .transfer(.cancelled): .interrupted
        }
    }
}

extension RemoteFailure.Kind {
    fileprivate var verb: String {
        switch self {
        case .rateLimited: "asks for fewer requests"
        case .quotaExhausted: "says that the account's quota is exhausted"
        case .overloaded: "is overloaded or unavailable"
        case .unauthenticated: "refused the credentials"
        case .forbidden: "does not permit this with the given credentials"
        case .notFound: "knows no such model or path"
        case .contextTooLong: "has too short a context for the prompt and the answer"
        case .tooLarge: "finds the request too large"
        case .invalidRequest: "does not accept the request"
        case .contentFiltered: "refuses the content"
        default: "failed"
        }
    }

    fileprivate func hint(_ model: String) -> String {
        switch self {
        case .notFound:
            " Is “\(model)” the name that the server uses, and does the base address end as it should, usually with /v1?"
        case .unauthenticated: " Check the key."
        case .quotaExhausted: " Waiting does not help; the account needs credit."
        case .contextTooLong:
            " Shorten the prompt, ask for fewer tokens, or use a model with a longer context."
        default: ""
        }
    }
}
