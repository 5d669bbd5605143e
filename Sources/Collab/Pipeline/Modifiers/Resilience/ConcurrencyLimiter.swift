/// Counts who is inside; whoever comes when it is full waits in line, and leaves the line when cancelled. Runs take turns.
final class ConcurrencyLimiter: Sendable {
    private struct State {
        var inside = 0
        var nextID = 0
        var line = WaitingLine<CheckedContinuation<Bool, Never>>()
    }

    let limit: Int
    private let state = Protected(State())

    init(limit: Int) {
        self.limit = limit
    }

    /// How many are inside, and how many wait.
    var occupancy: (inside: Int, waiting: Int) { state.withLock { ($0.inside, $0.line.count) } }

    func acquire() async throws(CollabError) {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let run = Run.current.map(ObjectIdentifier.init)
        let isAdmitted = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> Bool? in
                    // The flag is set before the handler runs, so one of the two always sees the other.
                    if Task.isCancelled { return false }
                    if state.inside < limit {
                        state.inside += 1
                        return true
                    }
                    state.line.append(continuation, id: id, of: run)
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiting = state.withLock { $0.line.remove(id: id) }
            waiting?.resume(returning: false)
        }
        if !isAdmitted { throw .cancelled }
    }

    func release() {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            let next = state.line.popFirst()
            if next == nil { state.inside -= 1 }
            return next
        }
        next?.resume(returning: true)
    }
}
