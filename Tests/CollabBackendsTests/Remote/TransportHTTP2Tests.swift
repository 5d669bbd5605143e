import Collab
import CollabTesting
import Testing

@testable import CollabBackends

/// What is different where many streams share a connection.
@Suite(
    "Transport over HTTP/2",
    .timeLimit(.minutes(2)),
    .enabled(if: HTTP2Server.python != nil, "needs hypercorn; Scripts/real-server --install installs it")
)
struct TransportHTTP2Tests {
    let server: HTTP2Server

    init() throws {
        server = try HTTP2Server()
    }

    private func ask(_ pace: String, tokens: Int = 3) async throws(CollabError) -> String {
        let options = GenerationOptions(maximumTokens: tokens)
        return try await server.model(pace).generate(Request("hi", options: options), into: .discarding).text
    }

    @Test("A server with TLS is spoken to over HTTP/2, and streams at the same time share one connection")
    func sharing() async throws {
        let texts = try await concurrently(Array(0..<20)) { (_) async throws(CollabError) in
            try await ask("20")
        }
        #expect(texts.allSatisfy { $0.hasPrefix("HTTP/2 on ") && $0.hasSuffix("and on and on and on") })
        #expect(Set(texts).count == 1, "the port of the connection is in the text")
        // Streams that come later find a connection open. On a busy machine the first of them may have lost it to the time
        // that the end of an answer is waited for.
        var later: [String] = []
        for _ in 0..<4 { later.append(try await ask("0")) }
        #expect(zip(later, later.dropFirst()).contains { $0 == $1 })
    }

    @Test("Cancelling one stream stops it at the server and leaves the others their connection")
    func cancelling() async throws {
        let started = Gate()
        let model = try server.model("50")
        let doomed = Task {
            try await model.generate(
                Request("hi", options: GenerationOptions(maximumTokens: 1000)),
                into: ResponseSink { _ in started.open() }
            )
        }
        await started.wait()
        async let other = ask("50", tokens: 10)
        doomed.cancel()
        let error = await #expect(throws: CollabError.self) { try await doomed.value }
        #expect(error?.code == .cancelled)
        #expect(try await server.counts { $0.left == 1 }.left == 1)
        let text = try await other
        #expect(text.hasSuffix("and on"))
        let connection = { (text: String) in text.prefix { $0 != "," } }
        #expect(connection(try await ask("0")) == connection(text))
    }

    @Test("A reader that pauses holds its own stream back and no other")
    func pausing() async throws {
        let body = Array(#"{"model":"m","stream":true,"messages":[]}"#.utf8)
        let flood = try await server.transport.open(
            HTTPRequest("POST", WebAddress("\(server.url)/flood/v1/chat/completions"), body: body)
        )
        #expect(try await flood.next() != nil)
        for _ in 0..<5 { #expect(try await ask("5").hasPrefix("HTTP/2 on ")) }
        #expect(try await server.counts { $0.streams == 1 }.streams == 1)
        #expect(try await flood.next()?.count ?? 0 <= 80 << 10, "a piece is no larger than the buffer")
        flood.cancel()
        #expect(try await server.counts { $0.left == 1 }.left == 1)
    }

    @Test("A server that dies breaks every stream of its connection, each with what had arrived")
    func dying() async throws {
        let outcomes = Protected(0)
        let server = server
        let results = await concurrentOutcomes(Array(0..<4)) { (_) async throws(CollabError) -> String in
            let sink = ResponseSink { _ in
                let count = outcomes.withLock { count in
                    count += 1
                    return count
                }
                if count == 20 { server.kill() }
            }
            let options = GenerationOptions(maximumTokens: 1000)
            return try await server.model("30").generate(Request("hi", options: options), into: sink).text
        }
        for result in results {
            guard case .failure(let error) = result else {
                Issue.record("the server was killed")
                continue
            }
            #expect(error.code == .transport)
            #expect(error.remoteFailure?.partial?.text.hasPrefix("HTTP/2") == true)
        }
    }
}
