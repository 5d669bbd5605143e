/// Lets only so many calls of a model run at the same time; the others wait. Runs take turns,
/// and within a run it is first come, first served.
public struct LimitedModel<Base: TextModel>: TextModel {
    /// The model beneath.
    public let base: Base
    let limiter: ConcurrencyLimiter

    /// The base's name.
    public var name: String { base.name }
    /// The base's.
    public var profile: ModelProfile { base.profile }

    /// Answers as the base does, once it is this call's turn.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        guard limiter.limit >= 1 else {
            throw CollabError(
                .invalidRequest,
                "\(name) is limited to \(limiter.limit) calls at a time; allow 1 at least."
            )
        }
        try await limiter.acquire()
        defer { limiter.release() }
        return try await base.generate(request, into: sink)
    }
}

extension LimitedModel: Collaboration where Base: Collaboration {}

extension TextModel {
    /// The same model, of which at most so many calls run at the same time, over all copies of the returned value.
    public func limited(to limit: Int) -> LimitedModel<Self> {
        LimitedModel(base: self, limiter: ConcurrencyLimiter(limit: limit))
    }
}
