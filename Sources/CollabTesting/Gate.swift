import Collab

/// Holds tasks back until it is opened; it does not heed cancellation, so that order in a test is certain.
public final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var observers: [CheckedContinuation<Void, Never>] = []
        var isAbandoned = false
    }

    private let state = Protected(State())

    /// Makes a closed gate.
    public init() {}

    /// Waits until the gate is open.
    public func wait() async {
        await withCheckedContinuation { continuation in
            let (isOpen, observers) = state.withLock { state in
                defer { state.observers = [] }
                if !state.isOpen { state.waiting.append(continuation) }
                return (state.isOpen, state.observers)
            }
            for observer in observers { observer.resume() }
            if isOpen { continuation.resume() }
        }
    }

    /// Lets everybody through, now and later.
    public func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Waits until somebody waits at the gate.
    public func waitForWaiter() async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                if !state.waiting.isEmpty || state.isOpen || state.isAbandoned { return true }
                state.observers.append(continuation)
                return false
            }
            if isReady { continuation.resume() }
        }
    }

    /// Waits until somebody waits at the gate, or a task has ended without ever coming there.
    func waitForWaiter<Success: Sendable>(orUntilFinished task: Task<Success, Never>) async {
        let watcher = Task {
            _ = await task.value
            let observers = state.withLock { state in
                state.isAbandoned = true
                defer { state.observers = [] }
                return state.observers
            }
            for observer in observers { observer.resume() }
        }
        await waitForWaiter()
        watcher.cancel()
    }
}
