import CollabTesting
import Testing

@testable import Collab

@Suite("A hedged model")
struct HedgingTests {
    let clock = VirtualClock()

    private func slow(_ seconds: Double) -> ScriptedModel {
        ScriptedModel("slow", always: ScriptedAnswer("slow answer", delay: .seconds(seconds)))
    }

    @Test(
        "is asked a second time when it is slow to begin; the loser is cancelled, and both are in the ledger"
    )
    func hedges() async throws {
        let (first, second) = (slow(60), ScriptedModel("fast", always: "fast answer"))
        let model = first.hedged(after: .fixed(.seconds(2)), share: 1, with: second)
        let task = Task { try await model.respond(to: "?", in: Run(clock: clock)) }
        await clock.waitForSleepers(2)
        clock.advance(by: .seconds(2))
        let answer = try await task.value
        #expect(answer.text == "fast answer")
        #expect(clock.sleeperCount == 0)
        let rows = try #require(answer.trace?.ledger)
        #expect(rows.map(\.model) == ["slow", "fast"])
        #expect(rows[0].failure?.contains("cancelled") == true)
        #expect(rows[1].billing == .billed)
        #expect(answer.trace?.root.note("winner") == "the second call")
    }

    @Test("is asked once when it is quick")
    func quick() async throws {
        let (first, second) = (slow(1), ScriptedModel("fast", always: "fast"))
        let model = first.hedged(after: .fixed(.seconds(2)), share: 1, with: second)
        let task = Task { try await model.respond(to: "?", in: Run(clock: clock)) }
        await clock.waitForSleepers(2)
        clock.advance(by: .seconds(1))
        #expect(try await task.value.text == "slow answer")
        #expect(second.callCount == 0)
    }

    @Test("is never asked a second time once its answer has begun")
    func begun() async throws {
        let gate = Gate()
        let pause = Gate()
        let first = PausingModel(gate: gate, pause: pause)
        let second = ScriptedModel("second", always: "2")
        let model = first.hedged(after: .fixed(.seconds(2)), share: 1, with: second)
        let task = Task { try await model.respond(to: "?", in: Run(clock: clock)) }
        await pause.waitForWaiter()
        await clock.waitForSleepers(1)
        clock.advance(by: .seconds(2))
        pause.open()
        #expect(try await task.value.text == "one two")
        #expect(second.callCount == 0)
    }

    @Test("is hedged for a share of the calls only")
    func share() async throws {
        let second = ScriptedModel("second", always: "2")
        let model = slow(10).hedged(after: .fixed(.seconds(1)), share: 0.1, with: second)
        let run = Run(clock: clock)
        for _ in 0..<40 {
            let task = Task { try await model.respond(to: "?", in: run) }
            await clock.waitForSleepers(2)
            clock.advance(by: .seconds(1))
            let rest = Task { [clock] in
                while !Task.isCancelled {
                    for _ in 0..<50 { await Task.yield() }
                    clock.advance(by: .seconds(10))
                }
            }
            _ = try await task.value
            rest.cancel()
            await rest.value
        }
        // One is saved up at the beginning, and every tenth call adds one.
        #expect((1...5).contains(second.callCount))
    }

    @Test("learns from its own calls what slow is")
    func percentile() async throws {
        let second = ScriptedModel("second", always: "2")
        let delays = Protected<[Double]>([])
        let first = ScriptedModel("first") { [clock] (_, call) throws(CollabError) in
            // 1 s, 2 s … 20 s, then for ever.
            let delay = call < 20 ? Double(call + 1) : 1000
            delays.withLock { $0.append(delay) }
            try await clock.sleep(for: .seconds(delay))
            return "1"
        }
        let model = first.hedged(after: .percentile(0.9), share: 1, with: second)
        let run = Run(clock: clock)
        for index in 1...20 {
            let task = Task { try await model.respond(to: "?", in: run) }
            await clock.waitForSleepers(1)
            clock.advance(by: .seconds(index))
            _ = try await task.value
        }
        #expect(second.callCount == 0)
        let task = Task { try await model.respond(to: "?", in: run) }
        await clock.waitForSleepers(2)
        clock.advance(by: .seconds(17))
        #expect(clock.sleeperCount == 2)
        clock.advance(by: .seconds(1))
        #expect(try await task.value.text == "2")
    }

    @Test("answers by the second call if the first fails meanwhile, and fails if both do")
    func failures() async throws {
        let first = ScriptedModel("first") { [clock] (_, _) throws(CollabError) in
            try await clock.sleep(for: .seconds(3))
            throw .overloaded
        }
        func second(_ failing: Bool) -> ScriptedModel {
            ScriptedModel("second") { [clock] (_, _) throws(CollabError) in
                try await clock.sleep(for: .seconds(3))
                if failing { throw CollabError(.transport, "Gone.") }
                return "2"
            }
        }
        func ask(_ spare: ScriptedModel) async -> Result<Response, CollabError> {
            let model = first.hedged(after: .fixed(.seconds(2)), share: 1, with: spare)
            let task = Task { await outcome(of: model, in: Run(clock: clock)) }
            await clock.waitForSleepers(2)
            clock.advance(by: .seconds(2))
            await clock.waitForSleepers(2)
            clock.advance(by: .seconds(1))
            await clock.waitForSleepers(1)
            clock.advance(by: .seconds(2))
            return await task.value
        }
        #expect(try await ask(second(false)).get().text == "2")
        #expect(await ask(second(true)).error?.code == .serverError)
    }

    @Test("can be cancelled while both are asked")
    func cancelled() async throws {
        let model = slow(60).hedged(after: .fixed(.seconds(2)), share: 1, with: slow(60))
        let task = Task { await outcome(of: model, in: Run(clock: clock)) }
        await clock.waitForSleepers(2)
        clock.advance(by: .seconds(2))
        await clock.waitForSleepers(2)
        task.cancel()
        #expect(await task.value.error?.code == .cancelled)
        #expect(clock.sleeperCount == 0)
    }

    @Test("knows the percentile of its window")
    func window() {
        var window = LatencyWindow()
        for index in 1...19 { window.add(.seconds(index)) }
        #expect(window.percentile(0.5) == nil)
        window.add(.seconds(20))
        #expect(window.percentile(0.95) == .seconds(19))
        #expect(window.percentile(1) == .seconds(20))
        #expect(window.percentile(0) == .seconds(1))
        for _ in 0..<300 { window.add(.seconds(5)) }
        #expect(window.percentile(1) == .seconds(5))
    }
}

/// Writes a word, waits, and writes the other.
private struct PausingModel: TextModel {
    let name = "pausing"
    let gate: Gate
    let pause: Gate

    func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        await sink.send("one")
        await pause.wait()
        await sink.send(" two")
        return Response(text: "one two", model: name)
    }
}

@Suite("A fallback in the middle of an answer")
struct ContinuedFallbackTests {
    private let half = ScriptedModel("main", always: "one two")
        .injecting(.failureAfter(pieces: 1, CollabError(.truncatedResponse, "Cut."))) { _ in true }

    @Test("goes on where the first broke off if asked to, and marks the joint")
    func continues() async throws {
        let spare = ScriptedModel("spare", always: " three")
        var (text, response) = ("", Response?.none)
        for try await event in half.fallback(to: spare, afterOutput: .resume).stream("?") {
            if case .text(let piece) = event { text += piece }
            if case .response(let whole) = event { response = whole }
        }
        #expect(text == "one three")
        #expect(response?.text == text)
        #expect(response?.model == "main, continued by spare")
        #expect(response?.trace?.root.note("continued") == "by spare after 3 characters")
        #expect(spare.requests[0].messages[1] == .assistant("one"))
    }

    @Test("begins anew if nobody reads along")
    func whole() async throws {
        let spare = ScriptedModel("spare", always: "three")
        let answer = try await half.fallback(to: spare).respond(to: "?")
        #expect(answer.text == "three")
        #expect(answer.model == "spare")
    }
}
