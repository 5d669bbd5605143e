public import Collab

extension RemoteFailure: CallFailure {
    /// What retries, circuit breakers and balancers make of the failure.
    ///
    /// What the server itself advises about trying again is followed.
    public var traits: FailureTraits {
        var traits = FailureTraits(
            isPossiblyBilled: isPossiblyBilled,
            retryAfter: retryAfter,
            usage: partial?.usage ?? Usage(),
            requestID: requestID
        )
        switch kind {
        case .rateLimited:
            (traits.isRetryable, traits.isThrottling) = (true, true)
        case .notSent, .answerLost, .interrupted, .truncated, .timeout, .malformed, .overloaded, .serverError:
            (traits.isRetryable, traits.isUnhealthy) = (true, true)
        case .quotaExhausted, .unauthenticated, .forbidden, .notFound, .redirected:
            traits.isLasting = true
        default:
            break
        }
        traits.hasBegun = isPossiblyBilled && kind != .answerLost && (kind != .timeout || status != nil)
        if let advisesRetry, !traits.isLasting { traits.isRetryable = advisesRetry }
        return traits
    }
}
