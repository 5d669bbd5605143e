/// Asks a model no faster than a limit allows; calls beyond it wait. Runs take turns,
/// and within a run it is first come, first served.
///
/// A server that answers with a rate limit and a time to wait holds all callers of the model back for that time, not
/// only the one who was told. What a server says in its answers is left of its own limits (``RateAllowance``) is kept
/// to as well, so that it need not refuse.
public struct RateLimitedModel<Base: TextModel>: TextModel {
    /// The model beneath.
    public let base: Base
    let limiter: RateLimiter

    /// The limit.
    public var limit: RateLimit { limiter.limit }
    /// The base's name.
    public var name: String { base.name }
    /// The base's.
    public var profile: ModelProfile { base.profile }

    /// Answers as the base does, once the limit allows.
    ///
    /// Throws ``CollabError/Code/rateLimited`` at once if that would be after the run's deadline.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        if let objection = limit.objection {
            throw CollabError(.invalidRequest, "\(name) cannot be limited to \(objection).")
        }
        let estimate = limiter.estimate(request)
        try await limiter.pass(estimate, name: name)
        do throws(CollabError) {
            let response = try await listening(estimate) { () async throws(CollabError) in
                try await base.generate(request, into: sink)
            }
            limiter.settle(estimate: estimate, usage: response.usage)
            return response
        } catch {
            limiter.settle(estimate: estimate, failure: error.traits)
            throw error
        }
    }

    /// Listens for what the server says is left while a call is under way.
    private func listening(
        _ estimate: Double,
        _ call: () async throws(CollabError) -> Response
    ) async throws(CollabError) -> Response {
        let wasHeard = Protected(false)
        @Sendable func isFirst() -> Bool {
            wasHeard.withLock { wasHeard in
                defer { wasHeard = true }
                return !wasHeard
            }
        }
        defer { if isFirst() { limiter.giveUpHearing(estimate) } }
        let listener: @Sendable (RateAllowance) -> Void = { allowance in
            limiter.hear(allowance, first: isFirst() ? estimate : nil)
        }
        return try await RateAllowance.$listener.withValue(listener) {
            () async -> Result<Response, CollabError> in
            do throws(CollabError) { return .success(try await call()) } catch { return .failure(error) }
        }.get()
    }
}

extension RateLimitedModel: Collaboration where Base: Collaboration {}

extension TextModel {
    /// The same model, asked no more often than a limit allows, over all copies of the returned value.
    public func rateLimited(_ limit: RateLimit) -> RateLimitedModel<Self> {
        RateLimitedModel(base: self, limiter: RateLimiter(limit))
    }

    /// The same model, asked for so many requests and tokens a minute at most; without numbers, for what the server says
    /// is left.
    public func rateLimited(
        requestsPerMinute: Double? = nil,
        tokensPerMinute: Double? = nil
    ) -> RateLimitedModel<Self> {
        rateLimited(RateLimit(requestsPerMinute: requestsPerMinute, tokensPerMinute: tokensPerMinute))
    }
}
