import Collab
import CollabTesting
import Testing

@testable import CollabBackends

private let answer = "Paris is the capital of France. A naïve café serves crêpes 🙂 and 東京 tea."

/// Remote models with the modifiers that let them survive a bad server.
@Suite("Resilient remote models and faulty servers", .timeLimit(.minutes(3)))
struct RemoteResilienceTests {
    let server: FaultServer
    let id: String

    init() throws {
        server = try FaultServer.running()
        id = FaultServer.makeID("resilience")
    }

    private func model(_ faults: String, timeouts: Timeouts = Timeouts()) throws -> RemoteModel {
        try RemoteModel.faulty(faults, id: id, on: server, timeouts: timeouts)
    }

    private func ask(_ model: some TextModel, in run: Run = Run()) async -> Result<Response, CollabError> {
        do throws(CollabError) { return .success(try await model.respond(to: "hi", in: run)) } catch {
            return .failure(error)
        }
    }

    private func error(_ result: Result<Response, CollabError>) -> CollabError? {
        if case .failure(let error) = result { error } else { nil }
    }

    // MARK: Retries

    @Test(
        "The wait that a server asks for is kept",
        arguments: [
            ("status=429,retry_after=1", 1.0...10.0), ("status=429,retry_after_ms=300", 0.3...9.3),
            // Dates have whole seconds.
            ("status=503,retry_after=date,date_s=2", 0.9...11.0),
        ]
    )
    func retryAfter(faults: String, seconds: ClosedRange<Double>) async throws {
        let text = try await model("\(faults),times=1").retrying().respond(to: "hi").text
        #expect(text == answer)
        let arrivals = try await server.statistics(id).arrivals
        #expect(arrivals.count == 2)
        #expect(seconds.contains(arrivals[1] - arrivals[0]))
    }

    @Test(
        "Where the server asks for a wait without sense, the rule's own is kept",
        arguments: ["pastdate", "-5", "nan", "abc"]
    )
    func senselessWait(value: String) async throws {
        let run = Run()
        let model = try model("status=503,retry_after=\(value),times=1")
            .retrying(Retry(delay: .milliseconds(20), maximumDelay: .milliseconds(20)))
        #expect(try await model.respond(to: "hi", in: run).text == answer)
        #expect(try await server.statistics(id).requests == 2)
        #expect(run.trace?.root.note("attempt 2")?.hasPrefix("after 0.0") == true)
    }

    @Test("A wait that is longer than the rule allows fails the call at once, and says how long it is")
    func longWait() async throws {
        let failure = error(await ask(try model("status=503,retry_after=1e9").retrying()))
        #expect(failure?.code == .serverError)
        #expect(failure?.message.contains("1000000000.0 seconds") == true)
        #expect(try await server.statistics(id).requests == 1)
    }

    @Test(
        "Without a number of its own, a limit settles at what the server takes, by the waits that it asks for"
    )
    func adaptiveRate() async throws {
        let model = try model("rps=20").rateLimited().limited(to: 4).retrying(Retry(attempts: 20))
        let answers = try await concurrently(Array(0..<60)) { _ throws(CollabError) in
            try await model.respond(to: "hi").text
        }
        #expect(answers.allSatisfy { $0 == answer })
        let statistics = try await server.statistics(id)
        #expect(statistics.requests == 60 + statistics.rejected)
        // No second has more refusals than calls under way, and sixty calls take a few seconds.
        #expect(statistics.rejected <= 20)
    }

    @Test(
        "What does not pass by itself is asked once",
        arguments: [
            "status=429,body=quota", "status=429,should_retry=false", "status=400", "status=401",
            "status=403", "status=404", "status=413", "status=422", "status=400,body=context",
        ]
    )
    func permanent(faults: String) async throws {
        #expect(error(await ask(try model(faults).retrying(Retry(delay: .zero)))) != nil)
        #expect(try await server.statistics(id).requests == 1)
    }

    @Test(
        "What passes by itself is asked again",
        arguments: [
            "status=408", "status=409", "status=500", "status=502", "status=503", "status=504", "status=529",
            "reset=before", "reset=fin", "reset=garbage",
        ]
    )
    func transient(faults: String) async throws {
        let model = try model("\(faults),times=1").retrying(Retry(delay: .zero))
        #expect(try await model.respond(to: "hi").text == answer)
        #expect(try await server.statistics(id).requests == 2)
    }

    @Test(
        "What the ledger calls possibly billed is what the server has billed",
        arguments: ["billed", "after_headers"]
    )
    func billed(reset: String) async throws {
        let run = Run()
        let failure = error(
            await ask(try model("reset=\(reset)").retrying(Retry(delay: .zero)), in: run)
        )
        #expect(failure?.message.contains("charged for") == true)
        let possibly = run.trace?.ledger.filter { $0.billing == .possiblyBilled }.count
        // What had begun is charged for as good as surely, and not asked for again.
        #expect(possibly == (reset == "billed" ? 2 : 1))
        if reset == "billed" { #expect(try await server.statistics(id).billed == possibly) }
    }

    @Test("A cancelled call does not go on waiting for its next attempt")
    func cancelledWait() async throws {
        let model = try model("status=503,retry_after=60").retrying()
        let run = Run()
        let task = Task { await ask(model, in: run) }
        _ = try await server.statistics(id) { $0.requests == 1 }
        while run.trace?.root.note("attempt 2") == nil { await Task.yield() }
        let start = ContinuousClock.now
        task.cancel()
        #expect(error(await task.value)?.code == .cancelled)
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test("An outage is not amplified: a circuit keeps a thousand calls away")
    func outage() async throws {
        let model = try model("status=503").circuitBreaking().retrying(Retry(delay: .zero)).limited(to: 16)
        let codes = await concurrentOutcomes(Array(0..<1000)) { _ throws(CollabError) in
            try await model.respond(to: "hi", in: Run(budget: .duration(.seconds(2))))
        }
        #expect(codes.allSatisfy { error($0) != nil })
        #expect(try await server.statistics(id).requests < 200)
    }

    // MARK: Limits

    @Test("A server that takes eight calls at a time is never sent a ninth")
    func concurrency() async throws {
        let model = try model("concurrency=8,token_ms=5").limited(to: 8)
        let answers = try await concurrently(Array(0..<40)) { _ throws(CollabError) in
            try await model.respond(to: "hi").text
        }
        #expect(answers.allSatisfy { $0 == answer })
        let statistics = try await server.statistics(id)
        #expect(statistics.rejected == 0)
        #expect(statistics.mostInFlight <= 8)
    }

    @Test("A server that takes twenty calls a second is not sent more")
    func rate() async throws {
        let limit = RateLimit(requestsPerMinute: 1080, burst: .milliseconds(100))
        let model = try model("rps=20").rateLimited(limit)
        let answers = try await concurrently(Array(0..<24)) { _ throws(CollabError) in
            try await model.respond(to: "hi").text
        }
        #expect(answers.count == 24)
        #expect(try await server.statistics(id).rejected == 0)
    }

    // MARK: Several servers

    @Test("The loser of two calls leaves its server at once")
    func hedging() async throws {
        let slow = try model("ttfb=30")
        let quick = try RemoteModel.faulty("ok", id: id + "-quick", on: server)
        let model = slow.hedged(after: .fixed(.milliseconds(200)), share: 1, with: quick)
        let response = try await model.respond(to: "hi")
        #expect(response.text == answer)
        #expect(response.trace?.ledger.map(\.billing) == [.possiblyBilled, .billed])
        #expect(response.trace?.ledger[0].usage.promptTokens ?? 0 > 0)
        #expect(try await server.statistics(id) { $0.inFlight == 0 }.inFlight == 0)
    }

    @Test("An answer that breaks off at one server is completed by another, and says so")
    func midStream() async throws {
        let broken = try model("reset=mid").named("broken")
        let whole = try RemoteModel.faulty("ok", id: id + "-whole", on: server).named("whole")
        let pieces = Protected("")
        let sink = ResponseSink { piece in pieces.withLock { $0 += piece } }
        let model = broken.fallback(to: whole, afterOutput: .resume)
        let response = try await model.respond(to: "hi", into: sink)
        #expect(response.text == pieces.withLock { $0 })
        #expect(response.text.hasPrefix("Paris"))
        #expect(response.text.hasSuffix("tea."))
        #expect(response.model == "broken, continued by whole")
        #expect(response.trace?.ledger.map(\.billing) == [.possiblyBilled, .billed])
    }
}

/// Servers that die, and come back.
@Suite("Servers that die", .timeLimit(.minutes(3)))
struct DyingServerTests {
    private func start(port: String = "0") throws -> ServerProcess {
        try ServerProcess([
            "python3", "\(serverFolder)/fault_server.py", "--port", port, "--seconds", "600", "--stdin-guard",
            "--no-tls",
        ])
    }

    private func remote(at server: ServerProcess, _ name: String, _ faults: String = "ok") throws
        -> RemoteModel
    {
        var settings = RemoteSettings(name: name)
        settings.transport = try Transport()
        return try RemoteModel(
            "m",
            at: "\(server.facts["url"] ?? "")/f/\(faults),id=x/v1",
            settings: settings
        )
    }

    @Test("A circuit opens when its server dies in the middle of an answer, and closes when it is back")
    func restart() async throws {
        let clock = VirtualClock()
        let first = try start()
        let rule = CircuitRule(failuresInARow: 1)
        let model = try remote(at: first, "m", "token_ms=1000").circuitBreaking(rule)
        let seen = Protected(0)
        let sink = ResponseSink { _ in
            let count = seen.withLock { seen in
                seen += 1
                return seen
            }
            // The rest is seconds away, so that a busy machine does not have it all before the server is killed.
            if count == 1 { first.kill() }
        }
        func ask(_ sink: ResponseSink = .discarding) async -> Result<Response, CollabError> {
            do throws(CollabError) {
                return .success(try await model.respond(to: "hi", into: sink, in: Run(clock: clock)))
            } catch {
                return .failure(error)
            }
        }
        let run = await ask(sink)
        guard case .failure(let error) = run else {
            Issue.record("the server was killed")
            return
        }
        #expect(error.code == .transport)
        #expect(error.remoteFailure?.partial?.text.isEmpty == false)
        #expect(error.traits.isPossiblyBilled)
        guard case .failure(let refused) = await ask() else {
            Issue.record("the circuit should be open")
            return
        }
        #expect(refused.code == .circuitOpen)
        let address = try #require(first.facts["url"])
        let second = try start(port: String(address.split(separator: ":").last ?? "0"))
        clock.advance(by: .seconds(6))
        #expect(try await ask().get().text == answer)
        #expect(model.breaker.state == .closed)
        _ = second
    }

    @Test("Replicas lose nothing when one of their servers dies under load")
    func replicas() async throws {
        let servers = try (0..<3).map { _ in try start() }
        let models = try servers.enumerated().map { try remote(at: $1, "r\($0)", "token_ms=10") }
        let replicas = Replicas("m", choosing: .leastBusy) { models as [any TextModel] }
        let model = replicas.limited(to: 12)
        let (ended, doomed) = (Protected(0), servers[0])
        let texts = try await concurrently(Array(0..<60)) { _ throws(CollabError) in
            let text = try await model.respond(to: "hi").text
            let count = ended.withLock { ended in
                ended += 1
                return ended
            }
            if count == 10 { doomed.kill() }
            return text
        }
        #expect(texts.allSatisfy { $0 == answer })
        let health = replicas.health
        #expect(health[0].failures > 0, "\(health)")
        #expect(replicas.health.map(\.underWay) == [0, 0, 0])
    }

    @Test("A debate goes on without the member whose server dies, and keeps what was said")
    func debate() async throws {
        let server = try start()
        let mortal = try remote(at: server, "mortal", "token_ms=100")
        let pieces = Protected(0)
        let watched = WatchedModel(base: mortal) {
            let count = pieces.withLock { pieces in
                pieces += 1
                return pieces
            }
            // Its opening has fifteen pieces; it dies in the first round.
            if count == 18 { server.kill() }
        }
        let (a, b) = (
            ScriptedModel("a", always: "The answer is 1."), ScriptedModel("b", always: "The answer is 2.")
        )
        let debate = Debate(rounds: 1, answers: .freeText) {
            watched; a; b
        }
        let run = Run()
        let response = try await debate.respond(to: "What is 1?", in: run)
        #expect(!response.text.isEmpty)
        let rows = try #require(response.trace?.ledger.filter { $0.model == "mortal" })
        #expect(rows.count == 2)
        #expect(rows[0].billing == .billed)
        #expect(rows[1].billing == .possiblyBilled)
        #expect(rows[1].failure?.contains("transport") == true)
        #expect(response.trace?.description.contains("mortal: transport") == true)
    }
}

/// A model whose pieces a test sees as they come.
private struct WatchedModel: TextModel {
    let base: RemoteModel
    var name: String { base.name }
    let piece: @Sendable () -> Void

    init(base: RemoteModel, piece: @escaping @Sendable () -> Void) {
        self.base = base
        self.piece = piece
    }

    func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try await base.generate(
            request,
            into: ResponseSink { text in
                piece()
                await sink.send(text)
            }
        )
    }
}
