import Collab

/// Runs jobs one after another on a thread of its own, which lives as long as there are some.
///
/// Never a thread of Swift's cooperative pool; an idle encoder has no thread besides its sleeping workers.
final class EncoderThread: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var isRunning = false
    }

    private let state = Protected(State())

    /// Runs a closure in its turn and waits for its result without blocking a thread of the pool.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(CollabError) -> Value
    ) async throws(CollabError) -> Value {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Value, CollabError>, Never>) in
            submit { continuation.resume(returning: Result { () throws(CollabError) in try body() }) }
        }
        return try result.get()
    }

    private func submit(_ job: @escaping @Sendable () -> Void) {
        let starts = state.withLock { state in
            state.jobs.append(job)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        // Where the system has no thread to give, the caller's does the work.
        if starts, startThread({ self.drain() }) != 0 { drain() }
    }

    private func drain() {
        while true {
            let jobs = state.withLock { state in
                defer { state.jobs = [] }
                if state.jobs.isEmpty { state.isRunning = false }
                return state.jobs
            }
            if jobs.isEmpty { return }
            for job in jobs { job() }
        }
    }
}
