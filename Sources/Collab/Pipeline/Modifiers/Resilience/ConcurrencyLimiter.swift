/// Counts who is inside; whoever comes when it is full waits in line, and leaves the line when cancelled.
final class ConcurrencyLimiter: Sendable {
    private struct State {
        var inside = 0
        var nextID = 0
        var line: [(id: Int, continuation: CheckedContinuation<Bool, Never>)] = []
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
        let isAdmitted = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> Bool? in
                    // The flag is set before the handler runs, so one of the two always sees the other.
                    if Task.isCancelled { return false }
                    if state.inside < limit {
                        state.inside += 1
                        return true
                    }
                    state.line.append((id, continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiting = state.withLock { state -> CheckedContinuation<Bool, Never>? in
                guard let index = state.line.firstIndex(where: { $0.id == id }) else { return nil }
                return state.line.remove(at: index).continuation
            }
            waiting?.resume(returning: false)
        }
        if !isAdmitted { throw .cancelled }
    }

    func release() {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard !state.line.isEmpty else {
                state.inside -= 1
                return nil
            }
            return state.line.removeFirst().continuation
        }
        next?.resume(returning: true)
    }
}
