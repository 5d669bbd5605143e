import Collab
import CollabTesting
import Foundation
import Testing

@testable import CollabBackends

/// Looks for the key in everything that is written down when every kind of request fails at a server that sends the
/// key back.
@Suite("Keys in what is written down", .timeLimit(.minutes(2)))
struct KeyScanTests {
    private static let servers = [
        ServerKind.compatible, .openAIResponses, .anthropic, .ollama, .vLLM, .llamaCPP,
    ]

    @Test("No error, event, trace, account or cassette holds the key", arguments: servers)
    func everywhere(kind: ServerKind) async throws {
        let server = try FaultServer.running()
        let id = FaultServer.makeID("scan")
        let model = try RemoteModel.faulty("status=500,body=echo", id: id, on: server, server: kind)
        let folder = try TemporaryFolder()
        let recorder = try CassetteRecorder(writingTo: folder.path("calls.jsonl"))
        let run = Run()
        let events = Protected<[String]>([])
        let listener = run.listen { event in events.withLock { $0.append("\(event)") } }
        defer { run.stopListening(listener) }

        let member = model.recording(to: recorder).retrying(Retry(attempts: 2, delay: .zero)).fallback(
            to: model
        )
        let error = await #expect(throws: CollabError.self) { try await member.respond(to: "hi", in: run) }
        expectNoKey(in: error as Any)
        let trace = try #require(run.trace)
        #expect(trace.ledger.count == 3)
        let kept = try String(contentsOfFile: folder.path("calls.jsonl"), encoding: .utf8)
        for text in try events.withLock({ $0 }) + [
            "\(trace)", String(decoding: JSONEncoder().encode(trace), as: UTF8.self), "\(trace.ledger)", kept,
        ] {
            #expect(!text.contains(canaryKey))
        }
        // The server did send it back, or there would be nothing to look for.
        #expect(kept.contains("[redacted]"))
        #expect(events.withLock { $0.contains { $0.contains("[redacted]") } })
    }

    @Test("Nor does an error of what is asked beside answers", arguments: servers)
    func besides(kind: ServerKind) async throws {
        let server = try FaultServer.running()
        let id = FaultServer.makeID("besides")
        let model = try RemoteModel.faulty("status=500,body=echo", id: id, on: server, server: kind)
        let settings = RemoteSettings(transport: model.settings.transport)
        let base = model.endpoint.base.whole
        let requests: [(String, () async throws -> Void)] = [
            ("list", { _ = try await model.availableModels() }),
            ("availability", { try await model.checkAvailability() }),
            ("capabilities", { _ = try await model.capabilities() }),
            ("adapters", { _ = try await model.availableAdapters() }),
            ("loading", { _ = try await model.loadAdapter("a", from: "/a") }),
            ("tokens", { _ = try await model.tokens(of: "a") }),
            ("prompt", { _ = try await model.promptTokens(for: Request("a")) }),
            ("text", { _ = try await model.text(of: [1]) }),
            ("scores", { _ = try await model.scoring().score(["a"], after: .completion("b")) }),
            (
                "vectors",
                {
                    _ = try await RemoteEmbeddingModel(
                        "e",
                        at: base,
                        dimension: 3,
                        key: Secret { canaryKey },
                        server: kind,
                        settings: settings
                    ).embed(["a"])
                }
            ),
        ]
        var redacted = 0
        for (name, request) in requests {
            let error = await #expect(throws: CollabError.self, "\(name)") { try await request() }
            expectNoKey(in: error as Any)
            #expect(error?.code == .serverError || error?.code == .unsupported, "\(name)")
            if error?.message.contains("[redacted]") == true { redacted += 1 }
        }
        #expect(redacted >= 4, "the server sends the key back")
    }

    @Test("A key that is cut off, or written as JSON may write it, is taken out as well")
    func cutOff() {
        let long = "ab/" + String(repeating: "secret-", count: 60) + "\"end"
        let redactor = Redactor([long])
        #expect(redactor.scrub("you sent \(long.prefix(300))") == "you sent [redacted]")
        #expect(redactor.scrub("you sent ab/s") == "you sent [redacted]")
        #expect(redactor.scrub("you sent ab/") == "you sent ab/", "too short to be told from words")
        let escaped = long.replacing("\"", with: "\\\"")
        #expect(redactor.scrub("{\"key\":\"\(escaped)\"}") == "{\"key\":\"[redacted]\"}")
        let slashed = escaped.replacing("/", with: "\\/")
        #expect(redactor.scrub("{\"key\":\"\(slashed)\"}") == "{\"key\":\"[redacted]\"}")
        // A page of which only the beginning is read.
        let problem = RemoteProblem.noStream(
            ResponseHead(status: 200),
            "Authorization: Bearer \(long.prefix(370))"
        )
        #expect(!problem.message(server: "s", model: "m", scrub: redactor.scrub).contains("secret-"))
    }

    @Test(
        "What cannot be used as an address is named without password and query",
        arguments: [
            "http://user:hunter2@host:99999/v1", "http://user:hun/hunter2?x@ho st/v1", "user:hunter2@host",
            "https://host:99999/v1?key=hunter2",
        ]
    )
    func addresses(text: String) {
        let error = #expect(throws: CollabError.self) { try WebAddress(text) }
        #expect(error?.message.contains("host") == true || error?.message.contains("ho st") == true)
        #expect(error?.message.contains("hunter2") == false)
    }

    @Test("The settings of a transport print without the password of its proxy")
    func proxy() {
        expectNoKey(in: TransportSettings(proxy: .address("http://user:hunter2@proxy:3128")), "hunter2")
    }
}
