import Collab
import CollabTesting
import Testing

@testable import CollabBackends

/// What reaches a server, byte by byte, when a request holds private parts.
@Suite("Private parts at the wire", .timeLimit(.minutes(2)))
struct PrivacyLeakTests {
    /// Private texts with whatever JSON may write in more than one way.
    static let secrets = [
        "jörg.müller@example.org", "4111 1111 1111 1111", "４１１１ １１１１ １１１１ １１１１",
        "O\"Brien\\Straße/🙂", "DE89 3704 0044 0532 0130 00", "sk-proj-abcdefghijklmnop1234",
    ]
    static let detectors: [PrivacyDetector] = .standard + [.words("NAME", ["O\"Brien\\Straße/🙂"])]

    let server: FaultServer
    let id: String

    init() throws {
        server = try FaultServer.running()
        id = FaultServer.makeID("privacy")
    }

    private var request: Request {
        let all = Self.secrets.joined(separator: ", ")
        let call = ToolCall(id: "1", name: "mail", arguments: #"{"to":"jörg.müller@example.org"}"#)
        var request = Request([
            .system("You serve \(all)."), .user("Who am I? \(all)"), .assistant("Wait.", toolCalls: [call]),
            .toolResult("sent to jörg.müller@example.org", of: call), .user("SAY:Dear \(all)!"),
        ])
        request.options.stopSequences = ["jörg.müller@example.org:"]
        return request
    }

    /// Every string in a JSON value, keys included.
    private func strings(in value: JSONValue) -> [String] {
        switch value {
        case .string(let text): [text]
        case .array(let values): values.flatMap(strings)
        case .object(let object): object.members.flatMap { [$0.key] + strings(in: $0.value) }
        default: []
        }
    }

    /// The bodies that the server got, as bytes.
    private func bodies() async throws -> [[UInt8]] {
        try await server.statistics(id).seen.map { seen in
            let digits = Array((seen["body"]?.stringValue ?? "").utf8)
            return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
                UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16)
            }
        }
    }

    private func expectNoLeak(calls: Int) async throws {
        let statistics = try await server.statistics(id)
        let bodies = try await bodies()
        #expect(bodies.count == calls)
        let parts = ["jörg", "müller", "4111", "１１１１", "Brien", "Straße", "3704", "abcdefghijklmnop"]
        for (body, seen) in zip(bodies, statistics.seen) {
            let raw = String(decoding: body, as: UTF8.self)
            // As written, and as read: however an encoder escapes, the reader sees the characters.
            let read = strings(in: try JSONValue(parsing: body, policy: .wire))
            #expect(!read.isEmpty)
            let everything = [raw] + read + strings(in: seen)
            for part in Self.secrets + parts {
                #expect(!everything.contains { $0.contains(part) }, "\(part) reached the server")
            }
        }
    }

    @Test(
        "No byte of them reaches a server of any dialect, and they are back in the answer",
        arguments: [ServerKind.compatible, .anthropic, .ollama, .openAIResponses]
    )
    func redacting(kind: ServerKind) async throws {
        let model = try RemoteModel.faulty("ok,keep_body", id: id, on: server, server: kind)
        var asked = request
        asked.options.maximumTokens = 64
        if kind.dialect == .responses { asked.options.stopSequences = [] }
        var streamed = ""
        for try await piece in model.redacting(Self.detectors).stream(asked).text { streamed += piece }
        try await expectNoLeak(calls: 1)
        if kind.dialect != .responses {
            #expect(streamed == "Dear \(Self.secrets.joined(separator: ", "))!")
        }
    }

    @Test("Without redaction they would be seen: the test sees what it looks for")
    func control() async throws {
        let model = try RemoteModel.faulty("ok,keep_body", id: id, on: server)
        _ = try await model.respond(to: "SAY:I am jörg.müller@example.org")
        let body = try #require(try await bodies().first)
        let read = strings(in: try JSONValue(parsing: body, policy: .wire))
        #expect(read.contains { $0.contains("jörg.müller@example.org") })
    }

    @Test("Nor does any in a retry, a cascade after a local member, or an error of the server's")
    func detours() async throws {
        let faults = "ok,keep_body,status=503,times=1"
        let remote = try RemoteModel.faulty(faults, id: id, on: server)
        let local = ScriptedModel("local", always: "I am jörg.müller@example.org, unsure").located(.local)
        let team = Cascade(until: .confidence(above: 0.9)) {
            local
            remote.retrying(Retry(delay: .zero)).redacting(Self.detectors)
        }
        let answer = try await team.respond(to: Request("SAY:Hello \(Self.secrets[0])"))
        #expect(answer.text == "Hello \(Self.secrets[0])")
        try await expectNoLeak(calls: 2)
    }

    @Test("A team that keeps to local members opens no connection for a private request")
    func keepingLocal() async throws {
        let remote = try RemoteModel.faulty("ok,keep_body", id: id, on: server)
        let team = Pipeline {
            Team {
                remote
                ScriptedModel("local", always: "done here").located(.local)
            }
            KeepLocal(Self.detectors)
            Cascade(until: .accepting("anything") { _ in true })
        }
        #expect(try await team.respond(to: Request(Self.secrets[1])).text == "done here")
        #expect(try await server.statistics(id).requests == 0)
        #expect(try await team.respond(to: "SAY:hello").text == "hello")
        #expect(try await server.statistics(id).requests == 1)
    }

    @Test("A delegation sends the rewritten question only")
    func delegating() async throws {
        let remote = try RemoteModel.faulty("ok,keep_body", id: id, on: server)
        let local = ScriptedModel("local") { (request, call) throws(CollabError) in
            ScriptedAnswer(call == 0 ? "SAY:rest, \(Self.secrets[0])" : "For you: rest.")
        }
        let team = Delegation(local: local.located(.local), remote: remote, detectors: Self.detectors)
        let question = "I am \(Self.secrets.joined(separator: ", ")). What helps?"
        #expect(try await team.respond(to: Request(question)).text == "For you: rest.")
        try await expectNoLeak(calls: 1)
        #expect(local.requests.last?.question.contains("rest, \(Self.secrets[0])") == true)
    }
}
