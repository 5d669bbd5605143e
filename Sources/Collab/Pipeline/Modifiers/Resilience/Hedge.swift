/// When a call that is slow to begin is made a second time.
public struct Hedge: Hashable, Sendable {
    /// How long the first call is waited for.
    public enum Delay: Hashable, Sendable {
        /// A fixed time.
        case fixed(Duration)
        /// So that this share of the calls of late (0…1) had begun to answer by then; before twenty have been seen,
        /// nothing is hedged.
        case percentile(Double)
    }

    /// How long the first call is waited for.
    public var delay: Delay
    /// The share of calls that may be made twice, in the long run.
    public var share: Double

    /// Makes a rule.
    public init(after delay: Delay = .percentile(0.95), share: Double = 0.05) {
        self.delay = delay
        self.share = share
    }
}

/// How long calls took of late until they began to answer.
struct LatencyWindow: Sendable {
    private var samples: [Duration] = []
    private var next = 0
    static let capacity = 256
    static let least = 20

    mutating func add(_ sample: Duration) {
        if samples.count < Self.capacity {
            samples.append(sample)
        } else {
            samples[next] = sample
            next = (next + 1) % Self.capacity
        }
    }

    /// The time within which a share of them began; `nil` while there are too few.
    func percentile(_ share: Double) -> Duration? {
        guard samples.count >= Self.least else { return nil }
        let rank = Int((min(max(share, 0), 1) * Double(samples.count)).rounded(.up)) - 1
        return samples.sorted()[min(max(rank, 0), samples.count - 1)]
    }
}
