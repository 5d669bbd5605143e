internal import Collab

/// One request on its way and its response: the state machine behind a lock, with the consumer's continuation.
final class Transfer: Sendable {
    typealias Delivery = TransferState.Delivery

    private struct Shared: Sendable {
        var state: TransferState
        var consumer: CheckedContinuation<Delivery, Never>?
    }

    let request: HTTPRequest
    private let loop: TransportLoop
    private let shared: Protected<Shared>

    init(_ request: HTTPRequest, on loop: TransportLoop) {
        self.request = request
        self.loop = loop
        let now = ContinuousClock.now
        let latest = now.advanced(by: request.timeouts.total)
        let state = TransferState(
            timeouts: request.timeouts,
            limits: request.limits,
            deadline: min(latest, request.deadline ?? latest),
            countsBytesAsContent: request.countsBytesAsContent,
            isIdempotent: request.isIdempotent
        )
        shared = Protected(Shared(state: state))
    }

    /// Whether the request has begun to leave this machine.
    var wasSent: Bool { shared.withLock { $0.state.wasSent } }
    /// Whether any of the response has arrived.
    var hasResponse: Bool { shared.withLock { $0.state.hasResponse } }

    // MARK: The consumer's side

    /// Waits for the next piece.
    func next() async -> Delivery {
        await withTaskCancellationHandler {
            await withCheckedContinuation { consumer in
                let supply = shared.withLock { shared -> TransferState.Supply in
                    let supply = shared.state.request(at: .now)
                    if case .wait = supply { shared.consumer = consumer }
                    return supply
                }
                if case .now(let delivery, let resume) = supply {
                    consumer.resume(returning: delivery)
                    if resume { loop.post(.resume(self)) }
                }
            }
        } onCancel: {
            cancel()
        }
    }

    func progress() {
        shared.withLock { $0.state.progress(at: .now) }
    }

    /// Ends the transfer at once.
    func cancel() {
        let (delivery, consumer, farewell) = shared.withLock { shared in
            let (delivery, farewell) = shared.state.cancel()
            let consumer = delivery == nil ? nil : shared.consumer
            if delivery != nil { shared.consumer = nil }
            return (delivery, consumer, farewell)
        }
        if let delivery { consumer?.resume(returning: delivery) }
        if farewell == .remove { loop.post(.remove(self)) }
    }

    /// Ends the transfer in good order: a response that is about to end may do so in the background.
    func leave() {
        switch shared.withLock({ $0.state.leave(at: .now) }) {
        case .done: break
        case .drain: loop.post(.look(self))
        case .remove: loop.post(.remove(self))
        }
    }

    // MARK: The loop's side

    func started() -> Bool {
        shared.withLock { $0.state.started(at: .now) }
    }

    func sending() -> TransferState.Reaction.Verdict {
        react { $0.sending(at: .now) }
    }

    func header(_ line: [UInt8]) -> TransferState.Reaction.Verdict {
        react { $0.header(line, at: .now) }
    }

    func body(_ bytes: UnsafeBufferPointer<UInt8>) -> TransferState.Reaction.Verdict {
        react { $0.body(bytes, at: .now) }
    }

    func finished(_ failure: TransferFailure?) {
        _ = react { TransferState.Reaction(delivery: $0.finished(failure, at: .now)) }
    }

    func tick(at now: ContinuousClock.Instant) -> TransferState.Reaction.Verdict {
        react { $0.tick(at: now) }
    }

    func nextTick(after now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        shared.withLock { $0.state.nextTick(after: now) }
    }

    private func react(
        _ event: (inout TransferState) -> TransferState.Reaction
    ) -> TransferState.Reaction.Verdict {
        let (reaction, consumer) = shared.withLock { shared in
            let reaction = event(&shared.state)
            let consumer = reaction.delivery == nil ? nil : shared.consumer
            if reaction.delivery != nil { shared.consumer = nil }
            return (reaction, consumer)
        }
        if let delivery = reaction.delivery { consumer?.resume(returning: delivery) }
        return reaction.verdict
    }
}
