/// Keeps the time of one transfer: which limit applies now, and when it is reached.
///
/// While the consumer does not wait, the limits on content stand still: it is the slow side then.
struct TransferClock: Sendable {
    typealias Instant = ContinuousClock.Instant

    private enum Stage {
        case queued
        case connecting(until: Instant)
        case waitingForContent
        case draining(until: Instant)
    }

    private let timeouts: Timeouts
    private let deadline: Instant
    private let countsBytesAsContent: Bool
    private var stage = Stage.queued
    private var hasContent = false
    private var waitingSince: Instant?
    private var waited = Duration.zero

    init(timeouts: Timeouts, deadline: Instant, countsBytesAsContent: Bool) {
        self.timeouts = timeouts
        self.deadline = deadline
        self.countsBytesAsContent = countsBytesAsContent
    }

    mutating func connecting(at now: Instant) {
        stage = .connecting(until: now.advanced(by: timeouts.connect))
    }

    mutating func sent(at now: Instant) {
        stage = .waitingForContent
        waited = .zero
        if waitingSince != nil { waitingSince = now }
    }

    mutating func receivedBytes(at now: Instant) {
        if countsBytesAsContent { progress(at: now) }
    }

    mutating func progress(at now: Instant) {
        hasContent = true
        waited = .zero
        if waitingSince != nil { waitingSince = now }
    }

    mutating func waiting(since now: Instant) {
        waitingSince = now
    }

    mutating func stoppedWaiting(at now: Instant) {
        if let waitingSince { waited += now - waitingSince }
        waitingSince = nil
    }

    mutating func drain(until end: Instant) {
        stage = .draining(until: end)
    }

    /// When the next limit is reached, if nothing happens before, and which one it is.
    private var limit: (Instant, TimeoutPhase) {
        switch stage {
        case .queued: return (deadline, .total)
        case .connecting(let until): return until < deadline ? (until, .connect) : (deadline, .total)
        case .draining(let until): return (until, .total)
        case .waitingForContent:
            guard let waitingSince else { return (deadline, .total) }
            let allowed = hasContent ? timeouts.idle : timeouts.firstByte
            let until = waitingSince.advanced(by: allowed - waited)
            return until < deadline ? (until, hasContent ? .idle : .firstByte) : (deadline, .total)
        }
    }

    /// When to look again: a moment before which no limit can be reached, whatever the consumer does meanwhile.
    func nextLook(after now: Instant) -> Instant {
        guard case .waitingForContent = stage else { return limit.0 }
        // Content may come right now, and then the idle limit runs; or the consumer may begin to wait.
        let soonest = hasContent ? timeouts.idle - waited : min(timeouts.idle, timeouts.firstByte - waited)
        let isSettled = hasContent && waitingSince != nil
        return isSettled ? limit.0 : min(limit.0, now.advanced(by: max(.zero, soonest)))
    }

    /// The phase that has taken too long, if one has.
    func expired(at now: Instant) -> TimeoutPhase? {
        let (until, phase) = limit
        return now >= until ? phase : nil
    }
}
