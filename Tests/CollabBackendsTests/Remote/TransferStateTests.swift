import Testing

@testable import CollabBackends

/// The life of a transfer, played through without sockets or waiting.
@Suite("Transfer state")
struct TransferStateTests {
    private let start = ContinuousClock.now

    private func after(_ seconds: Double) -> ContinuousClock.Instant {
        start.advanced(by: .milliseconds(Int(seconds * 1000)))
    }

    private func makeState(
        buffer: Int = 100,
        body: Int = 10_000,
        total: Double = 1000,
        bytesAreContent: Bool = false,
        isIdempotent: Bool = false
    ) -> TransferState {
        var limits = TransferLimits()
        limits.buffer = buffer
        limits.body = body
        limits.head = 200
        let timeouts = Timeouts(connect: .seconds(5), firstByte: .seconds(20), idle: .seconds(10))
        return TransferState(
            timeouts: timeouts,
            limits: limits,
            deadline: after(total),
            countsBytesAsContent: bytesAreContent,
            isIdempotent: isIdempotent
        )
    }

    /// A state whose consumer has got the head and which now receives the body.
    private func makeReceiving(buffer: Int = 100, body: Int = 10_000, total: Double = 1000) -> TransferState {
        var state = makeState(buffer: buffer, body: body, total: total)
        _ = state.started(at: start)
        _ = state.sending(at: start)
        _ = state.header(line("HTTP/1.1 200 OK"), at: start)
        _ = state.header(line(""), at: start)
        #expect(state.request(at: start) == .now(.success(.head(ResponseHead(status: 200))), resume: false))
        return state
    }

    private func line(_ text: String) -> [UInt8] { Array(text.utf8) + [0x0d, 0x0a] }

    @discardableResult
    private func receive(
        _ count: Int,
        _ state: inout TransferState,
        at seconds: Double = 0
    ) -> TransferState.Reaction {
        [UInt8](repeating: 7, count: count).withUnsafeBufferPointer { state.body($0, at: after(seconds)) }
    }

    private func bytes(_ count: Int) -> TransferState.Delivery {
        .success(.bytes([UInt8](repeating: 7, count: count)))
    }

    // MARK: The ordinary course

    @Test("A waiting consumer gets the head, then bytes as they come, then the end")
    func ordinaryCourse() {
        var state = makeState()
        #expect(state.request(at: start) == .wait)
        #expect(state.started(at: start) == true)
        #expect(state.sending(at: start).verdict == .goOn)
        #expect(state.header(line("HTTP/1.1 200 OK"), at: start).delivery == nil)
        #expect(
            state.header(line("Content-Type: text/event-stream; charset=utf-8"), at: start).delivery == nil
        )
        guard case .success(.head(let head))? = state.header(line(""), at: start).delivery else {
            Issue.record("no head")
            return
        }
        #expect(head.status == 200)
        #expect(head.mediaType == "text/event-stream")
        #expect(receive(5, &state).delivery == nil)
        #expect(receive(6, &state).delivery == nil)
        #expect(state.request(at: start) == .now(bytes(11), resume: false))
        #expect(state.request(at: start) == .wait)
        #expect(receive(3, &state).delivery == bytes(3))
        #expect(state.request(at: start) == .wait)
        #expect(state.finished(nil, at: start) == .success(.end))
        #expect(state.nextTick(after: start) == nil)
    }

    @Test("Interim responses are skipped")
    func interimResponses() {
        var state = makeState()
        _ = state.started(at: start)
        _ = state.sending(at: start)
        for text in ["HTTP/1.1 103 Early Hints", "Link: x", "", "HTTP/1.1 404 Not Found", "Retry-After: 3"] {
            _ = state.header(line(text), at: start)
        }
        _ = state.header(line(""), at: start)
        let field = ResponseHead.Field(name: "retry-after", value: "3")
        let head = ResponseHead(status: 404, fields: [field])
        #expect(state.request(at: start) == .now(.success(.head(head)), resume: false))
    }

    // MARK: Back-pressure

    @Test("A slow consumer pauses the transfer; taking what waits lets it go on")
    func backPressure() {
        var state = makeReceiving(buffer: 100)
        #expect(receive(80, &state).verdict == .goOn)
        #expect(receive(80, &state).verdict == .pause, "the second piece would overfill the buffer")
        #expect(state.request(at: start) == .now(bytes(80), resume: true))
        #expect(receive(80, &state).verdict == .goOn, "the same piece is offered again")
        #expect(state.request(at: start) == .now(bytes(80), resume: false))
    }

    @Test("A piece larger than the buffer is taken when nothing else waits")
    func largePiece() {
        var state = makeReceiving(buffer: 100)
        #expect(receive(500, &state).verdict == .goOn)
        #expect(state.request(at: start) == .now(bytes(500), resume: false))
    }

    // MARK: Limits and failures

    @Test("The body is capped")
    func bodyCap() {
        var state = makeReceiving(buffer: 1000, body: 100)
        #expect(receive(60, &state).verdict == .goOn)
        #expect(receive(60, &state).verdict == .stop)
        #expect(state.request(at: start) == .now(bytes(60), resume: false), "what arrived before is not lost")
        #expect(state.request(at: start) == .now(.failure(.bodyTooLarge), resume: false))
    }

    @Test("The head is capped")
    func headCap() {
        var state = makeState()
        #expect(state.request(at: start) == .wait)
        _ = state.started(at: start)
        _ = state.sending(at: start)
        _ = state.header(line("HTTP/1.1 200 OK"), at: start)
        let reaction = state.header([UInt8](repeating: 0x61, count: 300), at: start)
        #expect(reaction == .init(verdict: .stop, delivery: .failure(.headTooLarge)))
    }

    @Test("A broken connection is reported after what had arrived")
    func brokenConnection() {
        var state = makeReceiving()
        receive(10, &state)
        let broken = TransferFailure.connection(ConnectionFailure(.cutShort, "cut"))
        #expect(state.finished(broken, at: start) == nil)
        #expect(state.request(at: start) == .now(bytes(10), resume: false))
        #expect(state.request(at: start) == .now(.failure(broken), resume: false))
        #expect(
            state.request(at: start) == .now(.failure(broken), resume: false),
            "and again, however often it is asked"
        )
    }

    @Test("A request that was sent is never sent again behind the caller's back, unless that is harmless")
    func noSilentRetry() {
        var state = makeState()
        _ = state.started(at: start)
        #expect(state.sending(at: start).verdict == .goOn)
        #expect(state.sending(at: start).verdict == .stop)
        guard case .now(.failure(.connection(let failure)), _) = state.request(at: start) else {
            Issue.record("no failure")
            return
        }
        #expect(failure.kind == .lostBeforeResponse)

        var question = makeState(isIdempotent: true)
        _ = question.started(at: start)
        #expect(question.sending(at: start).verdict == .goOn)
        #expect(question.sending(at: start).verdict == .goOn)
    }

    // MARK: Time

    @Test("Each phase has its own limit")
    func phases() {
        var state = makeState()
        #expect(state.request(at: start) == .wait)
        _ = state.started(at: start)
        #expect(state.nextTick(after: start) == after(5))
        #expect(state.tick(at: after(4.9)).verdict == .goOn)
        var slow = state
        #expect(slow.tick(at: after(5)) == .init(verdict: .stop, delivery: .failure(.timeout(.connect))))

        _ = state.sending(at: after(4))
        #expect(state.tick(at: after(23.9)).verdict == .goOn)
        slow = state
        #expect(slow.tick(at: after(24)).delivery == .failure(.timeout(.firstByte)))

        _ = state.header(line("HTTP/1.1 200 OK"), at: after(10))
        _ = state.header(line(""), at: after(10))
        #expect(state.request(at: after(10)) == .wait)
        slow = state
        #expect(slow.tick(at: after(23.9)).verdict == .goOn)
        #expect(slow.tick(at: after(24)).delivery == .failure(.timeout(.firstByte)), "a head is no content")
        receive(5, &state, at: 20)
        state.progress(at: after(20))
        #expect(state.request(at: after(20)) == .wait)
        #expect(state.nextTick(after: after(20)) == after(30))
        #expect(state.tick(at: after(30)).delivery == .failure(.timeout(.idle)))
    }

    @Test("Comments that only keep the connection open do not reset the idle clock")
    func keepAliveComments() {
        var state = makeReceiving()
        state.progress(at: start)
        for second in 1...9 {
            #expect(state.request(at: after(Double(second) - 1)) == .wait)
            #expect(receive(3, &state, at: Double(second)).delivery == bytes(3))
        }
        #expect(state.request(at: after(9)) == .wait)
        #expect(state.tick(at: after(9.9)).verdict == .goOn)
        #expect(state.tick(at: after(10)).delivery == .failure(.timeout(.idle)))
    }

    @Test("While the consumer is the slow side, the idle clock stands still")
    func slowConsumer() {
        var state = makeReceiving()
        state.progress(at: start)
        receive(50, &state, at: 1)
        #expect(state.tick(at: after(100)).verdict == .goOn)
        #expect(state.request(at: after(100)) == .now(bytes(50), resume: false))
        #expect(state.request(at: after(100)) == .wait)
        #expect(state.tick(at: after(109)).verdict == .goOn)
        #expect(state.tick(at: after(110)).delivery == .failure(.timeout(.idle)))
    }

    @Test("The loop never looks too late, whatever happens between two looks")
    func lookInTime() {
        // The consumer begins to wait only after the look.
        var state = makeReceiving()
        state.progress(at: start)
        #expect(state.nextTick(after: after(3))! <= after(13))
        #expect(state.request(at: after(3)) == .wait)
        #expect(state.nextTick(after: after(3)) == after(13))
        // The first content arrives only after the look, and from then on the shorter limit holds.
        var early = makeReceiving()
        #expect(early.request(at: start) == .wait)
        #expect(early.nextTick(after: after(1))! <= after(11))
        receive(1, &early, at: 1)
        early.progress(at: after(1))
        #expect(early.request(at: after(1)) == .wait)
        #expect(early.tick(at: after(11)).delivery == .failure(.timeout(.idle)))
    }

    @Test("The deadline holds whatever else happens, even for a transfer that is still queued")
    func deadline() {
        var queued = makeState(total: 7)
        #expect(queued.request(at: start) == .wait)
        #expect(queued.tick(at: after(7)).delivery == .failure(.timeout(.total)))
        #expect(queued.started(at: after(8)) == false)

        var dripping = makeReceiving(total: 7)
        for step in 0..<69 {
            receive(1, &dripping, at: Double(step) / 10)
            dripping.progress(at: after(Double(step) / 10))
        }
        #expect(dripping.tick(at: after(7)).verdict == .stop)
    }

    // MARK: Leaving

    @Test("Cancelling wakes the consumer and ends the transfer")
    func cancelling() {
        var state = makeReceiving()
        receive(10, &state)
        _ = state.request(at: start)
        #expect(state.request(at: start) == .wait)
        let (delivery, farewell) = state.cancel()
        #expect(delivery == .failure(.cancelled))
        #expect(farewell == .remove)
        #expect(receive(10, &state).verdict == .stop)
        #expect(state.request(at: start) == .now(.failure(.cancelled), resume: false))
        #expect(state.cancel().farewell == .done)
    }

    @Test("After the last piece of content the body may run out for a moment, so that the connection is kept")
    func leaving() {
        var state = makeReceiving()
        #expect(state.leave(at: start) == .drain)
        #expect(receive(10, &state).verdict == .goOn)
        var hanging = state
        #expect(state.finished(nil, at: start) == nil)
        #expect(state.tick(at: after(50)).verdict == .goOn)
        #expect(hanging.tick(at: after(0.05)).verdict == .goOn)
        #expect(hanging.tick(at: after(0.1)).verdict == .stop)
        var flooding = makeReceiving()
        _ = flooding.leave(at: start)
        #expect(receive(100_000, &flooding).verdict == .stop)
    }

    @Test("Leaving before the answer ends the transfer at once")
    func leavingEarly() {
        var queued = makeState()
        #expect(queued.leave(at: start) == .remove)
        #expect(queued.started(at: start) == false)
        var paused = makeReceiving(buffer: 10)
        receive(10, &paused)
        #expect(receive(10, &paused).verdict == .pause)
        #expect(paused.leave(at: start) == .remove)
    }
}
