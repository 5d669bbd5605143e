/// What tells a run the time, and lets it wait.
public protocol RunClock: Sendable {
    /// Time since some fixed moment; never goes backwards.
    var now: Duration { get }
    /// Waits; throws ``CollabError/Code/cancelled`` as soon as the surrounding task is cancelled.
    func sleep(for duration: Duration) async throws(CollabError)
}

/// The system's monotonic clock.
public struct SystemRunClock: RunClock {
    private static let origin = ContinuousClock.now

    /// Makes a clock.
    public init() {}

    /// Time since the first use of the clock in this process.
    public var now: Duration { ContinuousClock.now - Self.origin }

    /// Waits without holding a thread.
    public func sleep(for duration: Duration) async throws(CollabError) {
        do { try await Task.sleep(for: duration) } catch { throw .cancelled }
    }
}
