/// The events that wait for one reader, the oldest dropped when there are too many.
final class Listening: Sendable {
    private struct State {
        var events: [RunEvent] = []
        var head = 0
        var skipped = 0
        var isCancelled = false
        var reader: CheckedContinuation<Void, Never>?

        var count: Int { events.count - head }

        mutating func take() -> RunEvent? {
            guard head < events.count else { return nil }
            var event = events[head]
            event.skipped += skipped
            skipped = 0
            head += 1
            compact()
            return event
        }

        /// Gives the room of events that have been taken back, seldom enough to cost nothing.
        mutating func compact() {
            guard head == events.count || head >= RunEvents.capacity else { return }
            events.removeFirst(head)
            head = 0
        }
    }

    private let state = Protected(State())
    private let leaving = Protected<(@Sendable () -> Void)?>(nil)

    /// What to do when the last reader is gone.
    var leave: (@Sendable () -> Void)? {
        get { leaving.withLock { $0 } }
        set { leaving.withLock { $0 = newValue } }
    }

    deinit { leave?() }

    func add(_ event: RunEvent) {
        let reader = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.events.append(event)
            if state.count > RunEvents.capacity {
                state.head += 1
                state.skipped += 1
                state.compact()
            }
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume()
    }

    func next() async -> RunEvent? {
        while true {
            if let event = state.withLock({ $0.take() }) { return event }
            if Task.isCancelled || state.withLock({ $0.isCancelled }) { return nil }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        if state.count > 0 || state.isCancelled { return true }
                        state.reader = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                let reader = state.withLock { state in
                    state.isCancelled = true
                    defer { state.reader = nil }
                    return state.reader
                }
                reader?.resume()
            }
        }
    }
}
