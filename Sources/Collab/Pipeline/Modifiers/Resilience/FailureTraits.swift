/// What a failed call says about itself: by this, retries, circuit breakers and balancers decide.
public struct FailureTraits: Hashable, Sendable, Codable {
    /// Whether the same call may succeed a little later.
    public var isRetryable: Bool
    /// Whether the failure speaks of the model's health rather than of the request or the caller: such failures open
    /// a circuit.
    public var isUnhealthy: Bool
    /// Whether the model will go on failing until somebody changes something: a key, the credit, the model's name.
    public var isLasting: Bool
    /// Whether the model is well but asks for fewer calls.
    public var isThrottling: Bool
    /// Whether the call may have been worked on, and may be charged for.
    public var isPossiblyBilled: Bool
    /// Whether the answer had begun, so that the call is charged for as good as surely.
    public var hasBegun: Bool
    /// How long the model asks to be left alone.
    public var retryAfter: Duration?
    /// What the call used as far as it is known; estimated where the model did not say.
    public var usage: Usage
    /// The server's own identifier of the call.
    public var requestID: String?

    /// Makes traits; without any, the failure is one that repeating does not help.
    public init(
        isRetryable: Bool = false,
        isUnhealthy: Bool = false,
        isLasting: Bool = false,
        isThrottling: Bool = false,
        isPossiblyBilled: Bool = false,
        hasBegun: Bool = false,
        retryAfter: Duration? = nil,
        usage: Usage = Usage(),
        requestID: String? = nil
    ) {
        self.isRetryable = isRetryable
        self.isUnhealthy = isUnhealthy
        self.isLasting = isLasting
        self.isThrottling = isThrottling
        self.isPossiblyBilled = isPossiblyBilled
        self.hasBegun = hasBegun
        self.retryAfter = retryAfter
        self.usage = usage
        self.requestID = requestID
    }
}

/// The cause of an error that can tell more about a failed call than its code.
///
/// Backends put a value of such a type into ``CollabError/cause``.
public protocol CallFailure: Error {
    /// What is known about the call.
    var traits: FailureTraits { get }
}

extension CollabError {
    /// What is known about the failed call: what the cause tells, else what the code usually means.
    public var traits: FailureTraits {
        var traits = callFailure?.traits ?? FailureTraits(usually: code)
        // Whoever was stopped from outside says nothing about the model.
        if !isSurvivable {
            (traits.isRetryable, traits.isUnhealthy, traits.isLasting) = (false, false, false)
        }
        return traits
    }

    /// The nearest cause that knows about the call.
    package var callFailure: (any CallFailure)? {
        (cause as? any CallFailure) ?? (cause as? CollabError)?.callFailure
    }
}

extension FailureTraits {
    /// How long everybody leaves a model alone that asks for fewer calls; `nil` if it does not say.
    ///
    /// It is an hour at most: what a server says may be nonsense, and asking again costs one call.
    var rest: Duration? { isThrottling ? retryAfter.map { min($0, .seconds(3600)) } : nil }

    init(usually code: CollabError.Code) {
        self.init()
        switch code {
        // Backends that charge tell what is charged for, so nothing is here.
        case .transport, .serverError, .timeout, .truncatedResponse, .malformedResponse:
            (isRetryable, isUnhealthy) = (true, true)
        case .rateLimited:
            (isRetryable, isThrottling) = (true, true)
        case .unauthorized:
            isLasting = true
        default:
            break
        }
    }
}
