public import Collab

/// A clock that moves only when it is told to, so that tests of timeouts, retries and deadlines take no time.
///
/// ```swift
/// let clock = VirtualClock()
/// async let answer = slow.timeout(.seconds(5)).respond(to: "…", in: Run(clock: clock))
/// await clock.waitForSleepers(2)      // the model and the timeout
/// clock.advance(by: .seconds(5))
/// ```
public final class VirtualClock: RunClock {
    private struct Sleeper {
        var id: Int
        var deadline: Duration
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var now = Duration.zero
        var nextID = 0
        var sleepers: [Sleeper] = []
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Protected(State())

    /// Makes a clock that stands at zero.
    public init() {}

    /// What the clock shows.
    public var now: Duration { state.withLock { $0.now } }

    /// How many tasks are sleeping.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// Sleeps until the clock has been advanced far enough, or the task is cancelled.
    public func sleep(for duration: Duration) async throws(CollabError) {
        if duration <= .zero { return }
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let hasElapsed = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (isCancelled, waiters) = register(id, duration, continuation)
                if isCancelled { continuation.resume(returning: false) }
                for waiter in waiters { waiter.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else { return nil }
                return state.sleepers.remove(at: index)
            }
            sleeper?.continuation.resume(returning: false)
        }
        if !hasElapsed { throw .cancelled }
    }

    private func register(
        _ id: Int,
        _ duration: Duration,
        _ continuation: CheckedContinuation<Bool, Never>
    ) -> (isCancelled: Bool, waiters: [CheckedContinuation<Void, Never>]) {
        state.withLock { state in
            // The flag is set before the cancellation handler runs, so one of the two always sees the other.
            if Task.isCancelled { return (true, []) }
            state.sleepers.append(Sleeper(id: id, deadline: state.now + duration, continuation: continuation))
            let count = state.sleepers.count
            let ready = state.waiters.filter { $0.count <= count }.map(\.continuation)
            state.waiters.removeAll { $0.count <= count }
            return (false, ready)
        }
    }

    /// Moves the clock forward and wakes whoever has slept long enough, earliest first.
    public func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now += duration
            let (now, sleepers) = (state.now, state.sleepers)
            state.sleepers.removeAll { $0.deadline <= now }
            return sleepers.filter { $0.deadline <= now }.sorted { $0.deadline < $1.deadline }
        }
        for sleeper in due { sleeper.continuation.resume(returning: true) }
    }

    /// Waits until at least so many tasks are sleeping.
    public func waitForSleepers(_ count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                if state.sleepers.count >= count { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isReady { continuation.resume() }
        }
    }
}
