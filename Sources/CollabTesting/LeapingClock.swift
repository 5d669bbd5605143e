public import Collab

/// A clock on which waiting takes no time: it leaps to the end of each wait.
///
/// It suits what waits for one thing after another. Where several wait at the same time and their order matters, a
/// ``VirtualClock`` moves when it is told to.
public final class LeapingClock: RunClock {
    private let time = Protected(Duration.zero)

    /// Makes a clock at 0.
    public init() {}

    /// How much has been waited so far.
    public var now: Duration { time.withLock { $0 } }

    /// Leaps, or throws ``Collab/CollabError/Code/cancelled``.
    public func sleep(for duration: Duration) async throws(CollabError) {
        if Task.isCancelled { throw .cancelled }
        time.withLock { $0 += duration }
    }
}
