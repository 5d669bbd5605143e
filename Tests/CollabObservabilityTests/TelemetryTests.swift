import Collab
import CollabObservability
import CollabTesting
import InMemoryLogging
import InMemoryTracing
import Logging
import MetricsTestKit
import Testing
import Tracing

@Suite("Telemetry of a run")
struct TelemetryTests {
    private let handler = InMemoryLogHandler()
    private let metrics = TestMetrics()
    private let tracer = InMemoryTracer()

    private func telemetry(_ content: Telemetry.Content = .omitted, level: Logger.Level = .info) -> Telemetry
    {
        var logger = Logger(label: "test") { [handler] _ in handler }
        logger.logLevel = level
        return Telemetry(logger: logger, metrics: metrics, tracer: tracer, content: content) { _ in "openai" }
    }

    private var small: some TextModel {
        ScriptedModel("small", always: ScriptedAnswer("a canary sings", delay: .seconds(2)))
            .priced(Price(promptPerMillion: 1, completionPerMillion: 2))
    }

    private func ask(
        _ telemetry: Telemetry,
        _ model: some TextModel,
        _ question: String = "secret-question here"
    ) async throws {
        var request = Request(question)
        request.options.maximumTokens = 9
        _ = try await model.respond(to: request, in: telemetry.observing(Run(clock: LeapingClock())))
    }

    @Test("makes a span of each call, beneath that of its collaboration, with OpenTelemetry's names")
    func spans() async throws {
        try await ask(
            telemetry(),
            Vote {
                small; small
            }
        )
        let spans = tracer.finishedSpans
        let vote = try #require(spans.first { $0.kind == .internal })
        let calls = spans.filter { $0.operationName == "chat small" }
        #expect(calls.count == 2)
        #expect(tracer.activeSpans.isEmpty)
        for call in calls {
            #expect(call.kind == .client)
            #expect(call.parentSpanID == vote.spanID)
            let attributes = call.attributes
            #expect(attributes["gen_ai.operation.name"]?.toSpanAttribute() == "chat")
            #expect(attributes["gen_ai.provider.name"]?.toSpanAttribute() == "openai")
            #expect(attributes["gen_ai.request.model"]?.toSpanAttribute() == "small")
            #expect(attributes["gen_ai.request.max_tokens"]?.toSpanAttribute() == 9)
            #expect(attributes["gen_ai.usage.input_tokens"]?.toSpanAttribute() == 2)
            #expect(attributes["gen_ai.usage.output_tokens"]?.toSpanAttribute() == 3)
            #expect(attributes["collab.billing"]?.toSpanAttribute() == "billed")
            #expect(
                attributes["gen_ai.response.finish_reasons"]?.toSpanAttribute() == ["stop"].toSpanAttribute()
            )
            #expect(attributes["gen_ai.input.messages"] == nil)
        }
    }

    @Test("counts calls, tokens, time, money and errors")
    func measures() async throws {
        try await ask(telemetry(), small)
        #expect(metrics.counterTotal(label: "collab.calls") == 1)
        let tokens = metrics.recorders(label: "gen_ai.client.token.usage")
        #expect(tokens.compactMap(\.lastValue).sorted() == [2, 3])
        #expect(metrics.timers(label: "gen_ai.client.operation.duration").first?.lastValue == 2_000_000_000)
        // 2 tokens at 1 and 3 at 2 a million: 8 millionths.
        #expect(metrics.counterTotal(label: "collab.cost.billionths") == 8000)

        let broken = ScriptedModel("broken") { (_, _) throws(CollabError) in
            throw CollabError(.rateLimited, "Slow down, sk-canary-1.")
        }
        await #expect(throws: CollabError.self) { try await ask(telemetry(), broken) }
        let failed = metrics.counters(label: "collab.calls").first { counter in
            counter.dimensions.contains { $0 == ("collab.outcome", "rateLimited") }
        }
        #expect(failed?.totalValue == 1)
        let span = try #require(tracer.finishedSpans.last)
        #expect(span.attributes["error.type"]?.toSpanAttribute() == "rateLimited")
        #expect(span.status?.code == .error)
    }

    @Test("tells nobody what was asked and answered, nor what a server said, unless it is asked to")
    func nothingSensitive() async throws {
        try await ask(telemetry(), small, "sk-canary-1")
        let broken = ScriptedModel("broken") { (_, _) throws(CollabError) in
            throw CollabError(.serverError, "Bad key sk-canary-1.")
        }
        await #expect(throws: CollabError.self) { try await ask(telemetry(), broken) }
        var told = handler.entries.map { "\($0)" }
        #expect(told.count == 2, "one line a call at the level info")
        told += tracer.finishedSpans.flatMap { span -> [String] in
            var texts = [span.operationName, "\(span.status as Any)", "\(span.errors)", "\(span.events)"]
            span.attributes.forEach { texts.append("\($0) \($1)") }
            return texts
        }
        told += metrics.counters.map { "\($0.label) \($0.dimensions)" }
        told += metrics.timers.map { "\($0.label) \($0.dimensions)" }
        told += metrics.recorders.map { "\($0.label) \($0.dimensions)" }
        #expect(told.count > 10)
        for text in told { #expect(!text.contains("canary"), "\(text)") }
    }

    @Test("A key that a server has quoted stands in no span and no line, whatever is recorded")
    func quotedKeys() async throws {
        let key = "sk-quoted-span-6f1d0c9b8a7e"
        QuotedKeys.look(for: [key], in: Response(text: key, model: "small"))
        try await ask(
            telemetry(.recorded, level: .trace),
            ScriptedModel("small", always: ScriptedAnswer("You sent \(key).")),
            "Is it \(key)?"
        )
        let failing = ScriptedModel("small") { (_, _) throws(CollabError) in
            throw CollabError(.malformedResponse, "“\(key)” is no number.")
        }
        let error = await #expect(throws: CollabError.self) {
            try await ask(telemetry(.recorded, level: .trace), failing)
        }
        #expect(error?.message == "“[redacted]” is no number.")
        let spans = tracer.finishedSpans.map { "\($0.attributes)" }.joined()
        #expect(spans.contains("You sent [redacted]") && !spans.contains(key))
        let lines = handler.entries.map { "\($0)" }.joined()
        #expect(lines.contains("[redacted]") && !lines.contains(key))
    }

    @Test("puts what was asked and answered into spans alone when it is asked to")
    func content() async throws {
        try await ask(telemetry(.recorded), small, "What?")
        let span = try #require(tracer.finishedSpans.first)
        #expect(
            span.attributes["gen_ai.input.messages"]?.toSpanAttribute()
                == #"[{"parts":[{"content":"What?","type":"text"}],"role":"user"}]"#
        )
        #expect(
            span.attributes["gen_ai.output.messages"]?.toSpanAttribute()
                == #"[{"parts":[{"content":"a canary sings","type":"text"}],"role":"assistant"}]"#
        )
        #expect(handler.entries.allSatisfy { !"\($0)".contains("canary") })
    }
}
