/// Lets only so many calls of a model run at the same time; the others wait their turn.
public struct LimitedModel<Base: TextModel>: TextModel {
    /// The model beneath.
    public let base: Base
    let limiter: ConcurrencyLimiter

    /// The base's name.
    public var name: String { base.name }

    /// Answers as the base does, once it is this call's turn.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        guard limiter.limit >= 1 else {
            throw CollabError(
                .invalidRequest,
                "\(name) is limited to \(limiter.limit) calls at a time; allow 1 at least."
            )
        }
        try await limiter.acquire()
        defer { limiter.release() }
        return try await base.generate(request, into: sink)
    }
}

extension LimitedModel: Collaboration where Base: Collaboration {}

extension TextModel {
    /// The same model, of which at most so many calls run at the same time, over all copies of the returned value.
    public func limit(concurrent limit: Int) -> LimitedModel<Self> {
        LimitedModel(base: self, limiter: ConcurrencyLimiter(limit: limit))
    }
}

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
