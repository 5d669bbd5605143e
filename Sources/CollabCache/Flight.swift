import Collab

/// A call under way, which everybody who asks the same takes part in.
///
/// Its task belongs to nobody in particular: it goes on until the last one who waits for it has gone.
final class Flight: Sendable {
    private struct State {
        var pieces: [String] = []
        var outcome: Result<Response, CollabError>?
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
        var task: Task<Void, Never>?
    }

    private let state = Protected(State())

    /// Begins the work, in the run of whoever begins it.
    func start(
        isDiscarding: Bool,
        _ work: @escaping @Sendable (ResponseSink) async throws(CollabError) -> Response,
        finally: @escaping @Sendable () -> Void
    ) {
        let task = Task { [self] in
            let sink =
                isDiscarding
                ? .discarding : ResponseSink { [self] piece in change { $0.pieces.append(piece) } }
            let outcome: Result<Response, CollabError>
            do throws(CollabError) { outcome = .success(try await work(sink)) } catch {
                outcome = .failure(error)
            }
            finally()
            change {
                $0.outcome = outcome
                $0.task = nil
            }
        }
        state.withLock { if $0.outcome == nil { $0.task = task } }
    }

    func cancel() {
        state.withLock { $0.task }?.cancel()
    }

    /// Hands on the text as it comes, from its beginning, and then the answer.
    func follow(into sink: ResponseSink) async throws(CollabError) -> Response {
        var sent = 0
        while true {
            let (news, outcome) = state.withLock { state in (Array(state.pieces[sent...]), state.outcome) }
            for piece in news {
                try checkCancellation()
                await sink.send(piece)
            }
            sent += news.count
            if let outcome, news.isEmpty {
                let response = try outcome.get()
                if sent == 0 { await sink.send(response.text) }
                return response
            }
            try checkCancellation()
            if news.isEmpty { await waitForNews(after: sent) }
        }
    }

    private func waitForNews(after count: Int) async {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if state.pieces.count > count || state.outcome != nil || Task.isCancelled { return true }
                    state.waiting[waiter] = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: waiter) }?.resume()
        }
    }

    private func change(_ change: (inout State) -> Void) {
        let waiting = state.withLock { state in
            change(&state)
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume() }
    }
}

/// The calls under way, by what they ask.
final class Flights: Sendable {
    private struct Entry {
        var flight: Flight
        var followers: Int
    }

    private let entries = Protected<[CacheKey: Entry]>([:])

    /// How many calls wait for an answer.
    var followers: Int { entries.withLock { $0.values.reduce(0) { $0 + $1.followers } } }

    /// Takes part in the call under way, or opens one, which the caller has to start.
    func join(_ key: CacheKey) -> (flight: Flight, isNew: Bool) {
        entries.withLock { entries in
            if let flight = entries[key]?.flight {
                entries[key]?.followers += 1
                return (flight, false)
            }
            let flight = Flight()
            entries[key] = Entry(flight: flight, followers: 1)
            return (flight, true)
        }
    }

    /// Leaves a call; the last one who leaves a call that is not over stops it.
    func leave(_ key: CacheKey, _ flight: Flight) {
        let isAbandoned = entries.withLock { entries in
            guard entries[key]?.flight === flight else { return false }
            entries[key]?.followers -= 1
            guard entries[key]?.followers == 0 else { return false }
            entries[key] = nil
            return true
        }
        if isAbandoned { flight.cancel() }
    }

    /// Takes a call that is over from the table, so that the next one asks anew.
    func close(_ key: CacheKey, _ flight: Flight) {
        entries.withLock { entries in
            if entries[key]?.flight === flight { entries[key] = nil }
        }
    }
}
