import Collab
import CollabTesting
import Testing

@testable import CollabBackends

private let answer = "Paris is the capital of France. A naïve café serves crêpes 🙂 and 東京 tea."
private let firstWords = "Paris is the"

/// The faults that concern the reading of an answer, in every dialect but the one that has a suite of its own.
@Suite("Dialects and faulty servers", .timeLimit(.minutes(3)))
struct DialectFaultTests {
    static let servers = [ServerKind.anthropic, .openAIResponses, .ollama]

    let server: FaultServer
    let id: String
    /// One for all calls of a test: a loop of its own needs half a dozen descriptors.
    let transport: Transport

    init() throws {
        transport = try Transport()
        server = try FaultServer.running()
        id = FaultServer.makeID("dialect")
    }

    private func outcome(
        _ faults: String,
        _ kind: ServerKind,
        timeouts: Timeouts = Timeouts(),
        at location: SourceLocation = #_sourceLocation
    ) async throws -> RemoteOutcome {
        let model = try RemoteModel.faulty(faults, id: id, on: server, server: kind, timeouts: timeouts) {
            $0.transport = transport
        }
        return await call(model, Request("hi"), at: location)
    }

    private static let legalForms = [
        "ok", "frame=crlf", "frame=multiline", "frame=comments", "frame=bom", "split=1", "split=7", "ascii",
        "http10",
        "ctype=none", "mid=unknown", "after_done=garbage", "truncate=nofinal_newline", "pings",
        "ignore_stream",
        "ignore_stream,nonstream=gzip",
    ]

    @Test("Every legal way to send the answer gives the exact text, ending and usage", arguments: servers)
    func legalVariety(kind: ServerKind) async throws {
        for faults in Self.legalForms {
            let response = try await outcome(faults, kind).result.get()
            #expect(response.text == answer, "\(faults)")
            #expect(response.ending == .finished, "\(faults)")
            #expect(response.usage.completionTokens == 15, "\(faults)")
            #expect(response.usage.promptTokens > 0, "\(faults)")
            #expect(response.usage.calls == 1)
        }
        #expect(try await server.statistics(id).requests == Self.legalForms.count)
    }

    @Test(
        "A connection that breaks keeps what had arrived and may have been charged",
        arguments: servers,
        ["reset=mid", "truncate=fin", "truncate=halfevent"]
    )
    func interrupted(kind: ServerKind, faults: String) async throws {
        let outcome = try await outcome(faults, kind)
        #expect(outcome.failure?.kind == .interrupted)
        #expect(outcome.failure?.partial?.text == firstWords)
        #expect(outcome.failure?.isPossiblyBilled == true)
        #expect(outcome.failure?.isUsageEstimated == true)
    }

    @Test("A clean end without the terminal event is a truncated answer", arguments: servers)
    func truncated(kind: ServerKind) async throws {
        let outcome = try await outcome("truncate=eof", kind)
        #expect(outcome.error?.code == .truncatedResponse)
        #expect(outcome.failure?.partial?.text == firstWords)
    }

    @Test("Silence in the middle ends with the idle limit", arguments: servers)
    func stall(kind: ServerKind) async throws {
        let timeouts = Timeouts(firstByte: .seconds(5), idle: .seconds(1))
        let outcome = try await outcome("stall=30", kind, timeouts: timeouts)
        #expect(outcome.error?.code == .timeout)
        #expect(outcome.failure?.partial?.text == firstWords)
    }

    @Test("An error in the stream is an error of its kind", arguments: servers)
    func errorInStream(kind: ServerKind) async throws {
        let outcome = try await outcome("mid=error", kind)
        #expect(outcome.error?.code == .serverError)
        #expect(outcome.failure?.partial?.text == firstWords)
        #expect(outcome.failure?.kind == (kind == .anthropic ? .overloaded : .serverError))
    }

    @Test("An event that is no JSON is an error that keeps what had arrived", arguments: servers)
    func garbage(kind: ServerKind) async throws {
        let outcome = try await outcome("mid=garbage", kind)
        #expect(outcome.error?.code == .malformedResponse)
        #expect(outcome.failure?.partial?.text == firstWords)
    }

    @Test("What is no answer at all is named", arguments: servers, ["html", "garbage", "empty", "deep"])
    func noAnswer(kind: ServerKind, body: String) async throws {
        let outcome = try await outcome("ignore_stream,nonstream=\(body)", kind)
        #expect([.malformedResponse, .truncatedResponse].contains(outcome.error?.code))
    }

    @Test(
        "A status becomes the error it stands for",
        arguments: servers,
        [
            (429, RemoteFailure.Kind.rateLimited), (401, .unauthenticated), (529, .overloaded),
            (404, .notFound),
        ]
    )
    func statuses(kind: ServerKind, expectation: (status: Int, failure: RemoteFailure.Kind)) async throws {
        let body = kind == .anthropic ? "anthropic" : kind == .ollama ? "string" : "openai"
        let outcome = try await outcome("status=\(expectation.status),body=\(body)", kind)
        #expect(outcome.failure?.kind == expectation.failure)
        #expect(outcome.failure?.isPossiblyBilled == false)
    }

    @Test("A line of Ollama's without end is an error at the cap")
    func endlessLine() async throws {
        let model = try RemoteModel.faulty(
            "mid=bigline,bytes=67108864",
            id: id,
            on: .runningForFloods(),
            server: .ollama
        )
        let outcome = await call(model, Request("hi"))
        #expect(outcome.error?.code == .malformedResponse)
        #expect(outcome.failure?.partial?.text == firstWords)
    }
}
