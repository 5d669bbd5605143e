/// What a server says is left of the calls and tokens that it allows, as read from the head of its answer.
///
/// A backend calls ``report()`` as soon as it knows; a ``RateLimitedModel`` around it then waits before the server has
/// to refuse anything. Without one nothing happens.
public struct RateAllowance: Hashable, Sendable {
    /// What is left of one kind of thing.
    public struct Quota: Hashable, Sendable {
        /// How much may be used now.
        public var remaining: Double
        /// How much there is when nothing is used; `nil` if the server does not say.
        public var limit: Double?
        /// How long until all of it is there again, if nothing is used meanwhile.
        public var reset: Duration

        /// Makes a quota.
        public init(remaining: Double, limit: Double? = nil, reset: Duration) {
            self.remaining = remaining
            self.limit = limit
            self.reset = reset
        }
    }

    /// What is left of the requests; `nil` if the server does not say.
    public var requests: Quota?
    /// What is left of the tokens; `nil` if the server does not say.
    public var tokens: Quota?

    /// Makes an allowance.
    public init(requests: Quota? = nil, tokens: Quota? = nil) {
        self.requests = requests
        self.tokens = tokens
    }

    @TaskLocal static var listener: (@Sendable (RateAllowance) -> Void)?

    /// Tells the nearest rate limit around the current call.
    public func report() {
        Self.listener?(self)
    }
}

/// A quota of a server as it develops until the server is heard again.
struct ToldQuota: Sendable {
    private var level: Double
    private let capacity: Double?
    private let perSecond: Double?
    private let end: Duration
    private var time: Duration

    /// The longest time for which a server's word is taken.
    private static let longest = Duration.seconds(86_400)

    /// Begins with what a server tells; `nil` if that makes no sense.
    ///
    /// Servers let what was used drip back, so that what is missing comes back evenly until the reset. Where the limit
    /// is not told, nothing is expected before the reset.
    ///
    /// - Parameter unheard: what was sent and is not in the server's count yet, at worst.
    init?(_ quota: RateAllowance.Quota, unheard: Double, at now: Duration) {
        guard quota.remaining >= 0, quota.remaining.isFinite, quota.reset >= .zero,
            quota.reset <= Self.longest
        else { return nil }
        level = quota.remaining - unheard
        capacity = quota.limit.flatMap { $0 > 0 && $0.isFinite ? $0 : nil }
        let missing = (capacity ?? 0) - quota.remaining
        perSecond = missing > 0 && quota.reset > .zero ? missing / quota.reset.inSeconds : nil
        end = now + quota.reset
        time = now
    }

    /// How long until so much can be taken; what is more than there ever is can be taken when all is there.
    mutating func wait(for amount: Double, at now: Duration) -> Duration {
        // What holds then is not known before the server has been asked again.
        if now >= end { return .zero }
        if let perSecond { level += max((now - time).inSeconds, 0) * perSecond }
        time = max(time, now)
        let missing = min(amount, capacity ?? amount) - level
        if missing <= 1e-9 { return .zero }
        guard let perSecond else { return end - now }
        return min(.seconds(missing / perSecond) + .microseconds(1), end - now)
    }

    /// Takes out; the level may become negative.
    mutating func take(_ amount: Double) { level -= amount }
}
