/// How many extra calls may be made beside the ordinary ones, over all calls that share the budget.
///
/// It is a bucket of tokens: every ordinary call puts a share of a token in, every extra one takes a whole token out,
/// and a few drip in with time. In an outage the extra calls therefore stay a small share of the ordinary ones, however
/// many attempts each would be allowed (the retry budget of Finagle, the retry throttling of gRPC).
public final class RetryBudget: Sendable {
    /// Extra calls per ordinary call, in the long run.
    public let share: Double
    /// Extra calls that are allowed every second however few ordinary ones there are.
    public let perSecond: Double
    /// How many extra calls can be saved up; the bucket begins full.
    public let capacity: Double

    private let bucket: Protected<(tokens: Double, time: Duration?, calls: UInt64)>

    /// Makes a full bucket.
    public init(share: Double = 0.1, perSecond: Double = 1, capacity: Double = 20) {
        self.share = max(share, 0)
        self.perSecond = max(perSecond, 0)
        self.capacity = max(capacity, 0)
        bucket = Protected((tokens: max(capacity, 0), time: nil, calls: 0))
    }

    /// An ordinary call is made; returns how many there were before.
    @discardableResult
    func deposit() -> UInt64 {
        bucket.withLock { bucket in
            bucket.tokens = min(capacity, bucket.tokens + share)
            bucket.calls += 1
            return bucket.calls - 1
        }
    }

    /// Asks for an extra call.
    func withdraw(at now: Duration) -> Bool {
        bucket.withLock { bucket in
            let elapsed = max((now - (bucket.time ?? now)).inSeconds, 0)
            bucket.time = now
            bucket.tokens = min(capacity, bucket.tokens + elapsed * perSecond)
            // Tenths do not add up to one exactly.
            guard bucket.tokens >= 1 - 1e-9 else { return false }
            bucket.tokens -= 1
            return true
        }
    }
}

extension Duration {
    /// The duration as a number of seconds.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }

    /// The duration without what is below a millisecond, for messages.
    var inMilliseconds: Duration {
        let (seconds, attoseconds) = components
        return .seconds(seconds) + .milliseconds(attoseconds / 1_000_000_000_000_000)
    }
}
