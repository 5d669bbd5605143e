import Collab
import CollabTesting
import Testing

@testable import CollabBackends

private let answer = "Paris is the capital of France. A naïve café serves crêpes 🙂 and 東京 tea."
private let firstWords = "Paris is the"

/// What a remote model makes of everything that a server can do wrong.
@Suite("Remote model and faulty servers", .timeLimit(.minutes(3)))
struct RemoteModelFaultTests {
    let server: FaultServer
    let id: String

    init() throws {
        server = try FaultServer.running()
        id = FaultServer.makeID("fault")
    }

    private func outcome(
        _ faults: String,
        _ request: Request = Request("hi"),
        timeouts: Timeouts = Timeouts(),
        on server: FaultServer? = nil,
        adjusting: (inout RemoteSettings) -> Void = { _ in },
        at location: SourceLocation = #_sourceLocation
    ) async throws -> RemoteOutcome {
        let server = server ?? self.server
        let model = try RemoteModel.faulty(
            faults,
            id: id,
            on: server,
            timeouts: timeouts,
            adjusting: adjusting
        )
        return await call(model, request, at: location)
    }

    private let impatient = Timeouts(firstByte: .seconds(5), idle: .seconds(1))

    // MARK: Legal variety

    @Test(
        "Every legal way to send the answer gives the exact text",
        arguments: [
            "ok", "frame=crlf", "frame=cr", "frame=nospace", "frame=multiline", "frame=comments", "frame=bom",
            "split=1",
            "split=7", "drip=1", "ascii", "http10", "ctype=text%2Fhtml", "ctype=none", "mid=emptychoices",
            "mid=unknown",
            "mid=html", "dup=final", "after_done=garbage", "truncate=nofinal_newline", "nodone",
            "usage=every", "pings",
            "choices=2", "ignore_stream", "ignore_stream,nonstream=gzip",
        ]
    )
    func legalVariety(faults: String) async throws {
        let outcome = try await outcome(faults)
        let response = try outcome.result.get()
        #expect(response.text == answer)
        #expect(response.ending == .finished)
        #expect(response.usage.completionTokens == (faults == "choices=2" ? 30 : 15))
        #expect(response.usage.promptTokens > 0)
        #expect(response.usage.calls == 1)
        #expect(try await server.statistics(id).requests == 1)
    }

    @Test("The usage is estimated where the server sends none")
    func noUsage() async throws {
        let response = try await RemoteModel.faulty("usage=none", id: id, on: server).respond(to: "hi")
        #expect(response.trace?.root.note("usage")?.hasPrefix("estimated") == true)
        let told = try await RemoteModel.faulty("ok", id: id, on: server).respond(to: "hi")
        #expect(told.trace?.root.note("usage") == nil)
        #expect(response.text == answer)
        #expect(response.usage.completionTokens == 15)
        #expect(response.usage.promptTokens > 0)
    }

    @Test("The answer is there at [DONE], even if the connection stays open")
    func hangingAfterDone() async throws {
        let outcome = try await outcome("hangdone=30")
        #expect(outcome.response?.text == answer)
        #expect(outcome.duration < .seconds(10))
    }

    @Test("Halves of a character in two events become U+FFFD, and invalid UTF-8 does too")
    func brokenText() async throws {
        let halves = try await outcome("mid=surrogate").result.get()
        #expect(halves.text.hasPrefix("Paris is the\u{fffd}\u{fffd} capital"))
        let invalid = try await outcome("mid=badutf8").result.get()
        #expect(invalid.text.hasPrefix("Paris is the\u{fffd}"))
        #expect(invalid.text.hasSuffix("tea."))
    }

    @Test(
        "Finish reasons are carried through",
        arguments: [
            ("finish=length", Response.Ending.tokenLimit), ("finish=content_filter", .filtered),
            ("finish=weird", .other("weird")), ("toolfrag", .toolCalls),
            ("nofinish", .other("unknown")),
        ]
    )
    func finishReasons(faults: String, ending: Response.Ending) async throws {
        let response = try await outcome(faults).result.get()
        #expect(response.text == answer)
        #expect(response.ending == ending)
    }

    @Test("A tool call that comes in pieces is one call with all of its arguments")
    func toolFragments() async throws {
        let response = try await outcome("toolfrag").result.get()
        let arguments = #"{"city": "Paris", "unit": "c"}"#
        #expect(response.toolCalls == [ToolCall(id: "call_1", name: "weather", arguments: arguments)])
    }

    @Test(
        "Events that come twice are told apart where they are numbered, and taken as sent where they are not"
    )
    func duplicates() async throws {
        let plain = try await outcome("dup=all").result.get()
        #expect(plain.text.hasPrefix("ParisParis is is"))
        #expect(plain.usage.completionTokens == 15, "the usage counts once")
        let model = try RemoteModel.faulty("dup=all", id: id, on: server, server: .openAIResponses)
        #expect(await call(model).response?.text == answer)
    }

    @Test("Numbers that are no log-probabilities never reach a caller")
    func badLogprobs() async throws {
        let request = Request("hi", options: GenerationOptions(alternatives: 3))
        let broken = try await outcome("mid=nan", request).result.get()
        #expect(broken.text.hasPrefix("Paris is the!"))
        #expect(broken.tokens == nil)
        let floor = try await outcome("logprob_floor", request).result.get()
        let tokens = try #require(floor.tokens)
        #expect(tokens.count == 15)
        #expect(tokens.allSatisfy { $0.alternatives.count == 2 }, "−9999 stands for “unknown”")
    }

    // MARK: Answers that are not complete

    @Test(
        "A broken connection keeps what had arrived and says that it may have been charged",
        arguments: ["reset=mid", "truncate=fin", "truncate=halfevent"]
    )
    func interrupted(faults: String) async throws {
        let outcome = try await outcome(faults)
        #expect(outcome.error?.code == .transport)
        #expect(outcome.failure?.kind == .interrupted)
        #expect(outcome.failure?.partial?.text == firstWords)
        #expect(outcome.failure?.partial?.usage.completionTokens == 3)
        #expect(outcome.failure?.isUsageEstimated == true)
        #expect(outcome.failure?.isPossiblyBilled == true)
        #expect(outcome.failure?.requestID == "req_fault")
        #expect(try await server.statistics(id).requests == 1)
    }

    @Test("A clean end without a terminal signal is a truncated answer, never a success")
    func truncated() async throws {
        let outcome = try await outcome("truncate=eof")
        #expect(outcome.error?.code == .truncatedResponse)
        #expect(outcome.failure?.kind == .truncated)
        #expect(outcome.failure?.partial?.text == firstWords)
    }

    @Test(
        "A lost answer is reported as possibly charged, and not asked for again",
        arguments: ["reset=billed", "reset=after_headers"]
    )
    func lostAnswer(faults: String) async throws {
        let outcome = try await outcome(faults)
        #expect(outcome.error?.code == .transport)
        #expect([.answerLost, .interrupted].contains(outcome.failure?.kind))
        #expect(outcome.failure?.isPossiblyBilled == true)
        let statistics = try await server.statistics(id)
        #expect(statistics.billed == 1)
        #expect(statistics.requests == 1)
    }

    @Test(
        "A connection that breaks before any answer is an error of the transport",
        arguments: ["reset=before", "reset=fin", "reset=garbage"]
    )
    func brokenBefore(faults: String) async throws {
        let outcome = try await outcome(faults)
        #expect(outcome.error?.code == .transport)
        #expect(outcome.failure?.kind == .answerLost)
    }

    @Test("A whole answer that is shorter than announced is an error", arguments: ["clen_short", "clen_cut"])
    func shortBody(fault: String) async throws {
        let outcome = try await outcome("ignore_stream,nonstream=\(fault)")
        #expect(outcome.error?.code == .transport)
        #expect(outcome.failure?.kind == .interrupted)
        #expect(try await server.statistics(id).billed == 1)
    }

    // MARK: Time

    @Test("Silence before the answer ends with the first-byte limit")
    func silence() async throws {
        let outcome = try await outcome("ttfb=30", timeouts: Timeouts(firstByte: .milliseconds(500)))
        #expect(outcome.error?.code == .timeout)
        #expect(outcome.duration < .seconds(10))
    }

    @Test("Cancelling a call that waits for its first byte ends it at once")
    func cancelledSilence() async throws {
        // Once in five tries the machine is not busy with something else.
        var shortest = Duration.seconds(60)
        for attempt in 1...5 where shortest >= .milliseconds(100) {
            let model = try RemoteModel.faulty("ttfb=30", id: id, on: server)
            let task = Task { await call(model) }
            _ = try await server.statistics(id) { $0.requests == attempt }
            let start = ContinuousClock.now
            task.cancel()
            #expect(await task.value.error?.code == .cancelled)
            shortest = min(shortest, .now - start)
        }
        #expect(shortest < .milliseconds(100))
        #expect(try await server.statistics(id) { $0.inFlight == 0 }.inFlight == 0)
    }

    @Test(
        "Silence in the middle ends with the idle limit, and what had arrived is kept",
        arguments: ["stall=30", "stall_pings=30"]
    )
    func stall(faults: String) async throws {
        let outcome = try await outcome(faults, timeouts: impatient)
        #expect(outcome.error?.code == .timeout)
        #expect(outcome.failure?.partial?.text == firstWords)
        #expect(outcome.duration < .seconds(10))
    }

    @Test("A slow but steady stream is no stall")
    func slowButSteady() async throws {
        let timeouts = Timeouts(firstByte: .seconds(2), idle: .seconds(2))
        #expect(try await outcome("token_ms=150", timeouts: timeouts).response?.text == answer)
    }

    @Test("The deadline of the run holds for a call in it")
    func runDeadline() async throws {
        let model = try RemoteModel.faulty("token_ms=100,tokens=600", id: id, on: server)
        let start = ContinuousClock.now
        let error = await #expect(throws: CollabError.self) {
            try await model.respond(to: "hi", in: Run(budget: .duration(.milliseconds(500))))
        }
        #expect([.timeout, .budgetExhausted].contains(error?.code))
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test("A stream without end stops at the limit of tokens with some slack")
    func endless() async throws {
        let request = Request("hi", options: GenerationOptions(maximumTokens: 10))
        let server = try FaultServer.runningForFloods()
        let outcome = try await outcome("mid=endless,endless_s=30", request, on: server)
        #expect(outcome.error?.code == .malformedResponse)
        #expect(outcome.duration < .seconds(10))
        let statistics = try await server.statistics(id) { $0.aborts == 1 }
        #expect(statistics.aborts == 1)
    }

    @Test("Cancelling in the middle closes the connection and the server stops", .timeLimit(.minutes(1)))
    func cancelling() async throws {
        let model = try RemoteModel.faulty("token_ms=50,tokens=2000", id: id, on: server)
        let started = Gate()
        let task = Task {
            defer { started.open() }
            do throws(CollabError) {
                _ = try await model.generate(Request("hi"), into: ResponseSink { _ in started.open() })
                return CollabError.Code("none")
            } catch {
                return error.code
            }
        }
        await started.wait()
        task.cancel()
        let cancelled = ContinuousClock.now
        #expect(await task.value == .cancelled)
        #expect(ContinuousClock.now - cancelled < .seconds(5))
        let statistics = try await server.statistics(id) { $0.aborts == 1 }
        #expect(statistics.aborts == 1)
        #expect(statistics.tokens < 1000)
    }

    // MARK: Answers that are no answers

    @Test(
        "What is neither a stream nor JSON is named, with its beginning",
        arguments: ["html", "garbage", "empty"]
    )
    func noStream(body: String) async throws {
        let outcome = try await outcome("ignore_stream,nonstream=\(body)")
        #expect(outcome.error?.code == .malformedResponse)
        #expect(outcome.failure?.isPossiblyBilled == true)
        if body == "html" {
            #expect(outcome.error?.message.contains("text/html") == true)
            #expect(outcome.error?.message.contains("captive portal") == true)
        }
    }

    @Test("Whole answers without a text are errors", arguments: ["nochoices", "nullcontent", "deep"])
    func badWholeAnswers(body: String) async throws {
        let outcome = try await outcome("ignore_stream,nonstream=\(body)")
        #expect(outcome.error?.code == .malformedResponse)
    }

    @Test("An error under status 200 is the error that it names")
    func errorUnder200() async throws {
        let outcome = try await outcome("ignore_stream,nonstream=error200")
        #expect(outcome.error?.code == .serverError)
        #expect(outcome.error?.message.contains("injected failure") == true)
    }

    @Test("An event that is no JSON is an error that keeps what had arrived")
    func garbageEvent() async throws {
        let outcome = try await outcome("mid=garbage")
        #expect(outcome.error?.code == .malformedResponse)
        #expect(outcome.failure?.partial?.text == firstWords)
    }

    @Test(
        "An error object in the stream is an error of its kind and keeps what had arrived",
        arguments: ["openai", "anthropic", "llamacpp", "vllm", "string"]
    )
    func errorInStream(shape: String) async throws {
        for ending in ["", ",then=done", ",then=continue"] {
            let outcome = try await outcome("mid=error,body=\(shape)\(ending)")
            #expect(outcome.error?.code == .serverError || shape == "vllm")
            #expect(outcome.error?.message.contains("injected failure") == true)
            #expect(outcome.failure?.partial?.text == firstWords)
        }
    }

    @Test("Another protocol's banner is no answer")
    func banner() async throws {
        let error = try await outcome("reset=garbage").error
        #expect(error?.code == .transport)
        #expect(error?.message.contains("did not answer in HTTP") == true)
    }

    // MARK: Size

    @Test("A line without end is an error at the cap")
    func bigLine() async throws {
        let outcome = try await outcome("mid=bigline,bytes=67108864", on: .runningForFloods())
        #expect(outcome.error?.code == .malformedResponse)
        #expect(outcome.failure?.partial?.text == firstWords)
    }

    @Test(
        "A body without end is an error at the cap",
        arguments: ["big,bytes=268435456", "gzipbomb,mib=128"]
    )
    func bigBody(fault: String) async throws {
        let outcome = try await outcome("ignore_stream,nonstream=\(fault)", on: .runningForFloods()) {
            $0.maximumResponseBytes = 4 << 20
        }
        #expect(outcome.error?.code == .malformedResponse)
    }

    @Test("A head without end is an error")
    func bigHead() async throws {
        #expect(
            try await outcome("headerbomb=1000", on: .runningForFloods()).error?.code == .malformedResponse
        )
    }

    // MARK: Statuses

    @Test(
        "A status becomes the error it stands for; nothing is retried",
        arguments: [
            (400, CollabError.Code.invalidRequest, RemoteFailure.Kind.invalidRequest),
            (401, .unauthorized, .unauthenticated), (403, .unauthorized, .forbidden),
            (404, .invalidRequest, .notFound),
            (408, .serverError, .serverError), (409, .serverError, .serverError),
            (413, .invalidRequest, .tooLarge),
            (422, .invalidRequest, .invalidRequest), (429, .rateLimited, .rateLimited),
            (500, .serverError, .serverError),
            (502, .serverError, .overloaded), (503, .serverError, .overloaded),
            (504, .serverError, .overloaded),
            (529, .serverError, .overloaded),
        ]
    )
    func statuses(status: Int, code: CollabError.Code, kind: RemoteFailure.Kind) async throws {
        let outcome = try await outcome("status=\(status)")
        #expect(outcome.error?.code == code)
        #expect(outcome.failure?.kind == kind)
        #expect(outcome.failure?.status == status)
        #expect(outcome.failure?.requestID == "req_fault")
        #expect(outcome.failure?.isPossiblyBilled == false)
        #expect(outcome.error?.message.contains("\(status)") == true)
        #expect(try await server.statistics(id).requests == 1)
    }

    @Test(
        "Whatever shape the explanation has, the status stays and the explanation is found",
        arguments: [
            "openai", "anthropic", "llamacpp", "vllm", "vllm_old", "string", "detail", "html", "empty",
            "badjson",
        ]
    )
    func errorShapes(shape: String) async throws {
        let outcome = try await outcome("status=500,body=\(shape)")
        #expect(outcome.error?.code == .serverError)
        let message = try #require(outcome.error?.message)
        switch shape {
        case "html": #expect(message.contains("nginx"))
        case "empty": break
        case "badjson": #expect(message.contains("mess"))
        default: #expect(message.contains("injected failure"))
        }
    }

    @Test("An exhausted quota is told from too many requests")
    func quota() async throws {
        let outcome = try await outcome("status=429,body=quota")
        #expect(outcome.error?.code == .rateLimited)
        #expect(outcome.failure?.kind == .quotaExhausted)
    }

    @Test("A context that is too short has an error of its own")
    func contextOverflow() async throws {
        let outcome = try await outcome("status=400,body=context")
        #expect(outcome.error?.code == .contextOverflow)
    }

    @Test(
        "How long to wait is understood in every form; senseless values are none",
        arguments: [
            ("retry_after=1", 1.0), ("retry_after=0.5", 0.5), ("retry_after_ms=300", 0.3),
            ("retry_after=1e9", 1e9),
            ("retry_after=pastdate", nil), ("retry_after=-5", nil), ("retry_after=nan", nil),
            ("retry_after=abc", nil),
        ]
    )
    func retryAfter(header: String, seconds: Double?) async throws {
        let outcome = try await outcome("status=429,\(header)")
        #expect(outcome.failure?.retryAfter == seconds.map { .seconds($0) })
        if header == "retry_after=1" { #expect(outcome.error?.message.contains("wait 1.0 seconds") == true) }
    }

    @Test("A date to wait for is turned into a time")
    func retryAfterDate() async throws {
        let wait = try #require(
            try await outcome("status=503,retry_after=date,date_s=60").failure?.retryAfter
        )
        #expect(wait > .zero && wait <= .seconds(60))
    }

    @Test("The server's own advice about retrying is kept")
    func retryAdvice() async throws {
        #expect(try await outcome("status=429,should_retry=false").failure?.advisesRetry == false)
        #expect(try await outcome("status=500").failure?.advisesRetry == nil)
    }

    @Test("No more than the cap of an error's body is read")
    func bigErrorBody() async throws {
        let outcome = try await outcome("status=500,body=big,bytes=33554432", on: .runningForFloods())
        #expect(outcome.error?.code == .serverError)
        #expect(outcome.duration < .seconds(10))
        #expect((outcome.error?.message.utf8.count ?? 0) < 1000)
    }

    @Test("An answer before the upload is finished is reported, not the broken pipe")
    func earlyAnswer() async throws {
        let request = Request(String(repeating: "long ", count: 400_000))
        let outcome = try await outcome("early=413", request)
        #expect(outcome.failure?.kind == .tooLarge, "\(String(describing: outcome.error))")
        #expect(try await server.statistics(id).requests == 1)
    }

    // MARK: Secrets

    @Test("A key that the server sends back is taken out of the error")
    func echo() async throws {
        let outcome = try await outcome("status=500,body=echo") {
            $0.fields = ["x-extra": "another-secret-value"]
        }
        let error = try #require(outcome.error)
        #expect(error.message.contains("[redacted]"))
        #expect(!error.message.contains(canaryKey))
        expectNoKey(in: error, "another-secret-value")
    }

    @Test("Control characters in an error cannot forge lines of a log")
    func controlCharacters() async throws {
        let message = try #require(try await outcome("status=500,body=control").error?.message)
        #expect(message.contains("\\r\\nFAKE LOG \\u{1b}[31mred\\u{0}"))
        #expect(message.unicodeScalars.allSatisfy { $0.value >= 0x20 })
    }

    @Test("The key reaches the server, in the field that it belongs to")
    func keyFields() async throws {
        #expect(try await outcome("need_key=\(canaryKey)").response?.text == answer)
        let field = try await outcome("need_key=\(canaryKey)") { $0.keyField = .field("x-api-key") }
        #expect(field.response?.text == answer, "\(String(describing: field.error))")
        #expect(try await outcome("need_key=another").error?.code == .unauthorized)
    }

    @Test("The key does not follow a redirect to another server", arguments: ["other", "port"])
    func redirects(target: String) async throws {
        let outcome = try await outcome("redirect=\(target)") {
            $0.fields = ["api-key": "another-secret-value"]
        }
        #expect(outcome.failure?.kind == .redirected)
        #expect(outcome.error?.message.contains(server[target == "other" ? "other" : "other_port"]) == true)
        #expect(try await server.statistics(id).requests == 1)
    }

    @Test("Cookies are never sent back")
    func cookies() async throws {
        for _ in 0..<2 { _ = try await outcome("ignore_stream,cookie") }
        let seen = try await server.statistics(id).seen
        #expect(seen.count == 2)
        #expect(seen.allSatisfy { $0["headers"]?["cookie"] == nil })
    }
}
