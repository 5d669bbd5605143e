/// How many requests and tokens a minute a model is asked for at most.
public struct RateLimit: Hashable, Sendable {
    /// Requests a minute; `nil`: no limit.
    public var requestsPerMinute: Double?
    /// Tokens a minute, read and written; `nil`: no limit.
    public var tokensPerMinute: Double?
    /// How much of the allowance may be used at once after a quiet time: what accrues in this time, one request at
    /// least. Servers count over short times too, so a whole minute's worth would be refused.
    public var burst: Duration
    /// Whether to wait also when the server says in its answers that too little is left, before it has to refuse a call.
    public var followsServer: Bool

    /// Makes a limit; without any numbers, it is the server's own.
    public init(
        requestsPerMinute: Double? = nil,
        tokensPerMinute: Double? = nil,
        burst: Duration = .seconds(10),
        followsServer: Bool = true
    ) {
        self.requestsPerMinute = requestsPerMinute
        self.tokensPerMinute = tokensPerMinute
        self.burst = burst
        self.followsServer = followsServer
    }

    /// Why the limit cannot be kept; `nil` if it can.
    var objection: String? {
        for limit in [requestsPerMinute, tokensPerMinute] {
            if let limit, !(limit > 0) || !limit.isFinite { return "a limit of \(limit) a minute" }
        }
        return burst < .zero ? "a burst of \(burst)" : nil
    }
}

/// A bucket into which an allowance drips, and out of which calls take what they need.
struct RateBucket {
    let perSecond: Double
    let capacity: Double
    private(set) var level: Double
    private var time: Duration?

    /// Makes a full bucket.
    init(perMinute: Double, burst: Duration) {
        perSecond = perMinute / 60
        capacity = max(perMinute / 60 * burst.inSeconds, 1)
        level = capacity
    }

    /// How long until so much can be taken; what does not fit into the bucket can be taken when it is full.
    mutating func wait(for amount: Double, at now: Duration) -> Duration {
        let elapsed = max((now - (time ?? now)).inSeconds, 0)
        time = now
        level = min(capacity, level + elapsed * perSecond)
        let missing = min(amount, capacity) - level
        // A millionth more than computed, so that rounding does not lead to a second, tiny wait.
        return missing <= 1e-9 ? .zero : .seconds(missing / perSecond) + .microseconds(1)
    }

    /// Takes out; the level may become negative.
    mutating func take(_ amount: Double) { level -= amount }

    /// Puts back what was not needed.
    mutating func giveBack(_ amount: Double) { level = min(capacity, level + amount) }
}
