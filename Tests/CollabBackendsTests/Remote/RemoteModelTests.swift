import Collab
import CollabTesting
import Testing

@testable import CollabBackends

/// A remote model in the ordinary course of things.
@Suite("Remote model", .timeLimit(.minutes(2)))
struct RemoteModelTests {
    let server: FaultServer
    let id: String

    init() throws {
        server = try FaultServer.running()
        id = FaultServer.makeID("remote")
    }

    private func model(_ faults: String = "ok", _ adjusting: (inout RemoteSettings) -> Void = { _ in }) throws
        -> RemoteModel
    {
        try RemoteModel.faulty(faults, id: id, on: server, adjusting: adjusting)
    }

    @Test("It keeps the promises of a text model")
    func conformance() async throws {
        let violations = await BackendConformance(try model("token_ms=2,tokens=200")).violations()
        #expect(violations.isEmpty, "\(violations)")
    }

    @Test("Text arrives while the server is still writing")
    func streaming() async throws {
        let model = try model("stall=30") { $0.timeouts.idle = .seconds(1) }
        var pieces: [String] = []
        do throws(CollabError) {
            for try await event in model.stream("hi") {
                if case .text(let piece) = event { pieces.append(piece) }
            }
            Issue.record("the stream ended")
        } catch {
            #expect(error.code == .timeout)
        }
        #expect(pieces == ["Paris", " is", " the"])
    }

    @Test("Log-probabilities become tokens with bytes, for dialogues and completions")
    func tokens() async throws {
        let options = GenerationOptions(maximumTokens: 3, alternatives: 2)
        for request in [Request("hi", options: options), .completion("hi", options: options)] {
            let response = try await model().respond(to: request)
            let tokens = try #require(response.tokens)
            #expect(tokens.flatMap(\.bytes) == Array(response.text.utf8))
            #expect(tokens.allSatisfy { $0.logprob == -0.25 && $0.alternatives.count == 2 })
            #expect(response.ending == .tokenLimit)
        }
        let quiet = try await model { $0.reportsLogprobs = true }.respond(to: "hi")
        #expect(quiet.tokens?.count == 15)
        #expect(quiet.tokens?.allSatisfy { $0.alternatives.isEmpty } == true)
        #expect(try await model().respond(to: "hi").tokens == nil)
    }

    @Test("Usage and money are booked in the run")
    func usage() async throws {
        let run = Run()
        let priced = try model { $0.price = Price(promptPerMillion: 0, completionPerMillion: 2_000_000) }
        _ = try await priced.respond(to: "hi", in: run)
        #expect(run.usage.completionTokens == 15)
        #expect(run.usage.calls == 1)
        #expect(run.usage.cost == Money(30))
    }

    @Test("A whole team of remote models works side by side")
    func sideBySide() async throws {
        let model = try model("token_ms=10")
        let answers = try await concurrently(Array(0..<32)) { (number) async throws(CollabError) -> String in
            try await model.respond(to: "SAY:number \(number) is mine").text
        }
        #expect(answers == (0..<32).map { "number \($0) is mine" })
        #expect(try await server.statistics(id).mostInFlight > 8)
    }

    @Test("The models that a server offers are listed")
    func listing() async throws {
        #expect(try await model().availableModels() == ["fault-model"])
        try await model().checkAvailability()
    }

    @Test("A model that is not there is an error that names those that are")
    func missingModel() async throws {
        let wrong = try RemoteModel("gpt-nope", at: server.base("ok", id: id))
        let error = await #expect(throws: CollabError.self) { try await wrong.checkAvailability() }
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains("“gpt-nope”") == true)
        #expect(error?.message.contains("fault-model") == true)
    }

    @Test("The probe tells a wrong key and an unreachable server apart")
    func probeFailures() async throws {
        let wrongKey = await #expect(throws: CollabError.self) {
            try await model("need_key=another").checkAvailability()
        }
        #expect(wrongKey?.code == .unauthorized)
        expectNoKey(in: wrongKey as Any)
        let nobody = try RemoteModel("m", at: "http://127.0.0.1:1/v1", key: Secret { canaryKey })
        let unreachable = await #expect(throws: CollabError.self) { try await nobody.checkAvailability() }
        #expect(unreachable?.code == .transport)
        #expect(unreachable?.remoteFailure?.kind == .notSent)
        #expect(unreachable?.message.contains("Is the server running?") == true)
    }

    @Test("A name that cannot be resolved is an error of the transport")
    func unknownHost() async throws {
        let nowhere = try RemoteModel("m", at: "https://no-such-host.invalid/v1")
        let error = await #expect(throws: CollabError.self) { try await nowhere.respond(to: "hi") }
        #expect(error?.code == .transport)
        #expect(error?.remoteFailure?.isPossiblyBilled == false)
    }

    @Test("Empty names and header fields that break the protocol are refused when the model is made")
    func badSettings() {
        #expect(throws: CollabError.self) { try RemoteModel("", at: "http://127.0.0.1/v1") }
        for fields in [["x y": "1"], ["": "1"], ["x": "1\r\ny: 2"]] {
            let error = #expect(throws: CollabError.self) {
                try RemoteModel("m", at: "http://127.0.0.1/v1", settings: RemoteSettings(fields: fields))
            }
            #expect(error?.code == .invalidRequest)
        }
    }

    @Test("Names and extra fields reach the server")
    func extras() async throws {
        let model = try model {
            $0.name = "team member"
            $0.fields = ["X-Title": "Collab"]
        }
        let response = try await model.respond(to: "hi")
        #expect(response.model == "team member")
        #expect(try await server.statistics(id).seen[0]["headers"]?["x-title"]?.stringValue == "Collab")
    }
}
