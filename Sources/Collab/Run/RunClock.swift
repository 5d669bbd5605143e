/// What tells a run the time.
public protocol RunClock: Sendable {
    /// Time since some fixed moment; never goes backwards.
    var now: Duration { get }
}

/// The system's monotonic clock.
public struct SystemRunClock: RunClock {
    private static let origin = ContinuousClock.now

    /// Makes a clock.
    public init() {}

    /// Time since the first use of the clock in this process.
    public var now: Duration { ContinuousClock.now - Self.origin }
}
