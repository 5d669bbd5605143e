/// The life of one transfer, without sockets, threads or clocks: events go in, with the time at which they happen,
/// and what is to be done comes out.
///
/// The loop's side reports what arrives (``started(at:)``, ``sending(at:)``, ``header(_:at:)``, ``body(_:at:)``,
/// ``finished(_:at:)``, ``tick(at:)``); the consumer's side asks for the next piece (``request(at:)``), reports
/// content (``progress(at:)``) and leaves (``cancel()``, ``leave(at:)``). The consumer waits for at most one piece at a
/// time; whichever side makes it available gets it back as a `delivery` to hand over.
package struct TransferState: Sendable {
    package typealias Instant = ContinuousClock.Instant

    /// What the consumer gets.
    package enum Piece: Hashable, Sendable {
        case head(ResponseHead)
        case bytes([UInt8])
        case end
    }

    package typealias Delivery = Result<Piece, TransferFailure>

    /// What the loop does after an event.
    package struct Reaction: Hashable, Sendable {
        package enum Verdict: Hashable, Sendable {
            case goOn
            /// The bytes were not taken: offer them again after a resume.
            case pause
            /// Give the transfer up.
            case stop
        }

        package var verdict = Verdict.goOn
        /// Hand this to the waiting consumer.
        package var delivery: Delivery?
    }

    /// The answer to a consumer's request.
    package enum Supply: Hashable, Sendable {
        /// Here it is; resume the transfer if so told.
        case now(Delivery, resume: Bool)
        case wait
    }

    /// What a leaving consumer asks of the loop.
    package enum Farewell: Hashable, Sendable {
        /// Nothing is left to do.
        case done
        /// Let the transfer run out in the background.
        case drain
        /// End it now.
        case remove
    }

    enum Phase: Hashable, Sendable {
        case queued
        case connecting
        case awaitingHead
        case receiving
        case draining
        case over
    }

    package let limits: TransferLimits
    private let isIdempotent: Bool
    private(set) var phase = Phase.queued
    private var clock: TransferClock
    private var parser: HeadParser
    private var head: ResponseHead?
    private var buffer: [UInt8] = []
    private var received = 0
    private var drained = 0
    private var isPaused = false
    private var isWaited = false
    private var failure: TransferFailure?
    /// Whether the request has begun to leave this machine.
    package private(set) var wasSent = false
    /// Whether any of the response has arrived.
    package private(set) var hasResponse = false

    /// Makes the state of a transfer that waits to be started.
    ///
    /// - Parameter isIdempotent: whether the request may be sent twice without harm, as asking for a list may.
    package init(
        timeouts: Timeouts,
        limits: TransferLimits = TransferLimits(),
        deadline: Instant,
        countsBytesAsContent: Bool = false,
        isIdempotent: Bool = false
    ) {
        self.limits = limits
        self.isIdempotent = isIdempotent
        clock = TransferClock(
            timeouts: timeouts,
            deadline: deadline,
            countsBytesAsContent: countsBytesAsContent
        )
        parser = HeadParser(maximumBytes: limits.head)
    }

    // MARK: The loop's side

    /// The transfer was handed to the network. `false`: it is over already.
    package mutating func started(at now: Instant) -> Bool {
        guard phase == .queued else { return false }
        phase = .connecting
        clock.connecting(at: now)
        return true
    }

    /// The connection stands; the request is about to be sent, perhaps for the second time.
    package mutating func sending(at now: Instant) -> Reaction {
        guard phase != .over else { return Reaction(verdict: .stop) }
        if wasSent, !isIdempotent {
            // A kept-alive connection died under the request. Whether the server has worked on it (and charges for
            // it) is unknown, so it is not sent again behind the caller's back.
            let detail = "The connection was closed while the request was being sent."
            return fail(.connection(ConnectionFailure(.lostBeforeResponse, detail)), at: now)
        }
        wasSent = true
        phase = .awaitingHead
        clock.sent(at: now)
        return Reaction()
    }

    /// A line of the head.
    package mutating func header(_ line: [UInt8], at now: Instant) -> Reaction {
        guard phase != .over else { return Reaction(verdict: .stop) }
        hasResponse = true
        // Lines after the body are trailers; nothing we need is in them.
        if phase == .receiving || phase == .draining { return Reaction() }
        switch parser.consume(line) {
        case .more: return Reaction()
        case .tooLarge: return fail(.headTooLarge, at: now)
        case .malformed: return fail(.malformedHead, at: now)
        case .complete(let complete):
            phase = .receiving
            head = complete
            return Reaction(delivery: takeIfWaited(at: now))
        }
    }

    /// A piece of the body.
    package mutating func body(_ bytes: UnsafeBufferPointer<UInt8>, at now: Instant) -> Reaction {
        switch phase {
        case .receiving: break
        case .draining:
            drained += bytes.count
            return Reaction(verdict: drained > limits.drainBytes ? .stop : .goOn)
        default: return Reaction(verdict: .stop)
        }
        if received + bytes.count > limits.body { return fail(.bodyTooLarge, at: now) }
        if !buffer.isEmpty, buffer.count + bytes.count > limits.buffer {
            isPaused = true
            return Reaction(verdict: .pause)
        }
        received += bytes.count
        buffer.append(contentsOf: bytes)
        clock.receivedBytes(at: now)
        return Reaction(delivery: takeIfWaited(at: now))
    }

    /// The network is done with the transfer; `nil`: the response is complete.
    package mutating func finished(_ ending: TransferFailure?, at now: Instant) -> Delivery? {
        guard phase != .over else { return nil }
        let isDraining = phase == .draining
        if let ending {
            failure = failure ?? ending
        } else if phase != .receiving, !isDraining {
            failure = failure ?? .malformedHead
        }
        phase = .over
        return isDraining ? nil : takeIfWaited(at: now)
    }

    /// Time has passed. `stop` if a phase took too long.
    package mutating func tick(at now: Instant) -> Reaction {
        guard phase != .over, let phase = clock.expired(at: now) else { return Reaction() }
        if self.phase == .draining {
            self.phase = .over
            return Reaction(verdict: .stop)
        }
        return fail(.timeout(phase), at: now)
    }

    /// When the loop has to look at this transfer again: never later than the next limit, whatever the consumer does.
    package func nextTick(after now: Instant) -> Instant? {
        phase == .over ? nil : clock.nextLook(after: now)
    }

    // MARK: The consumer's side

    /// Asks for the next piece.
    package mutating func request(at now: Instant) -> Supply {
        precondition(!isWaited, "A transfer has one consumer.")
        if let delivery = take() {
            let resume = isPaused && buffer.count < limits.buffer / 2 && phase == .receiving
            if resume { isPaused = false }
            return .now(delivery, resume: resume)
        }
        isWaited = true
        clock.waiting(since: now)
        return .wait
    }

    /// The consumer has found content in what it was given.
    package mutating func progress(at now: Instant) {
        clock.progress(at: now)
    }

    /// The consumer's task was cancelled: it gets no more of the response.
    package mutating func cancel() -> (delivery: Delivery?, farewell: Farewell) {
        let farewell: Farewell = phase == .over ? .done : .remove
        phase = .over
        buffer = []
        head = nil
        failure = .cancelled
        defer { isWaited = false }
        return (isWaited ? .failure(.cancelled) : nil, farewell)
    }

    /// The consumer has all it wanted.
    package mutating func leave(at now: Instant) -> Farewell {
        switch phase {
        case .over: return .done
        case .receiving where !isPaused:
            phase = .draining
            buffer = []
            clock.drain(until: now.advanced(by: limits.drainTime))
            return .drain
        default:
            _ = cancel()
            return .remove
        }
    }

    // MARK: Handing over

    private mutating func take() -> Delivery? {
        if let head {
            self.head = nil
            return .success(.head(head))
        }
        if !buffer.isEmpty {
            defer { buffer = [] }
            return .success(.bytes(buffer))
        }
        if let failure { return .failure(failure) }
        return phase == .over ? .success(.end) : nil
    }

    private mutating func takeIfWaited(at now: Instant) -> Delivery? {
        guard isWaited, let delivery = take() else { return nil }
        isWaited = false
        clock.stoppedWaiting(at: now)
        return delivery
    }

    private mutating func fail(_ failure: TransferFailure, at now: Instant) -> Reaction {
        self.failure = self.failure ?? failure
        phase = .over
        return Reaction(verdict: .stop, delivery: takeIfWaited(at: now))
    }
}
