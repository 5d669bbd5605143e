import Collab
import CollabTesting
import Testing

@testable import CollabBackends

/// Remote models on a real server together with a model in this process, and what becomes of them when the server dies.
///
/// Both run the same file, so that they can be held against each other.
@Suite(
    "Teams with a real server",
    .enabled(if: RealServer.isInstalled, "Scripts/real-server --install makes these tests run"),
    .serialized,
    .timeLimit(.minutes(5))
)
struct RealServerTeamTests {
    private func native() async throws -> NativeModel { try await NativeFixtures.model(.smolLM2) }

    // MARK: The same model here and there

    @Test("The server and this process make the same vectors of the same texts")
    func embeddings() async throws {
        let server = try RealServer(["--embedding", "--pooling", "mean"])
        let remote = try await RemoteEmbeddingModel.connecting(
            "smollm2",
            at: server.base,
            key: Secret { RealServer.key },
            server: .llamaCPP
        )
        let native = try await native()
        #expect(remote.dimension == native.dimension)
        // Of several texts in one request this build of the server pools some differently than alone, by chance.
        #expect(remote.textsPerRequest == 1)
        let texts = ["A cat sat on the mat.", "Paris is the capital of France.", "日本語"]
        for (there, text) in zip(try await remote.embed(texts), texts) {
            let here = try await native.embed([text])[0]
            let cosine = zip(there, here).reduce(0) { $0 + $1.0 * $1.1 }
            #expect(cosine > 0.99, "\(text): \(cosine)")
        }
    }

    @Test(
        "The server and this process cut texts and dialogues into the same tokens, and find texts equally probable"
    )
    func scores() async throws {
        let remote = try RealServer.running().model()
        let native = try await native()
        let question = Request.completion("The capital of France is")
        let dialogue = Request([.system("Be brief."), .user("What is the capital of France?")])
        for request in [question, dialogue] {
            #expect(try await remote.promptTokens(for: request) == native.promptTokens(for: request))
            let texts = [" Paris.", " London", " a city"]
            let there = try await remote.scoring().score(texts, after: request)
            let here = try await native.score(texts, after: request)
            for (left, right) in zip(there, here) {
                #expect(left.tokenLogprobs.count == right.tokenLogprobs.count)
                // Both round activations, each in its own way: 0.24 a logit in the mean square.
                for (there, here) in zip(left.tokenLogprobs, right.tokenLogprobs) {
                    #expect(abs(there - here) < 0.75, "\(left) \(right)")
                }
            }
        }
        #expect(try await remote.text(of: remote.tokens(of: "日本 🙂")) == "日本 🙂")
    }

    @Test("What a grammar or a set of choices allows is all that is written")
    func constraints() async throws {
        let request = Request.completion(
            "The capital of France is",
            options: GenerationOptions(maximumTokens: 8)
        )
        let server = try RealServer.running()
        func text(_ option: ServerOption) async throws -> String {
            try await server.model { $0.options = [option] }.respond(to: request).text
        }
        #expect([" London", " Rome"].contains(try await text(.choices([" London", " Rome"]))))
        #expect(try await text(.grammar(#"root ::= " 4" "2"+ "."?"#)).hasPrefix(" 42"))
        #expect(!(try await text(.logitBias([7042: -100]))).hasPrefix(" Paris"))
    }

    @Test("A pipeline of a native and a remote member: both speak, agree, and stand in one ledger")
    func mixedPipeline() async throws {
        let server = try RealServer.running()
        let options = GenerationOptions(maximumTokens: 2)
        let remote = try server.model().named("there")
        let here = try await native().named("here")
        let team = Pipeline {
            Team {
                here
                remote
            }
            Vote()
        }
        let request = Request.completion("The capital of France is", options: options)
        let response = try await team.respond(to: request)
        #expect(response.text.contains("Paris"))
        let trace = try #require(response.trace)
        #expect(Set(trace.calls.map(\.name)) == ["here", "there"])
        // The server computes by other code, but says the same.
        #expect(Set(trace.calls.compactMap(\.text)).count == 1)
        #expect(trace.calls.allSatisfy { $0.billing == .billed })
        #expect(response.usage.calls == 2)
    }

    @Test("A cascade asks the server only what the model in this process is not sure of")
    func mixedCascade() async throws {
        let server = try RealServer.running()
        let (here, there) = (try await native().named("here"), try server.model().named("there"))
        let request = Request.completion(
            "The capital of France is",
            options: GenerationOptions(maximumTokens: 1)
        )
        let sure = try await Cascade(until: .confidence(above: 0.5)) {
            here
            there
        }.respond(to: request)
        #expect(sure.trace?.calls.map(\.name) == ["here"])
        let unsure = try await Cascade(until: .confidence(above: 0.99)) {
            here
            there
        }.respond(to: request)
        #expect(unsure.trace?.calls.map(\.name) == ["here", "there"])
    }

    // MARK: A server that dies

    /// Kills the server when a model has sent so many pieces.
    private func mortal(_ server: RealServer, _ name: String, after count: Int) throws -> WatchedModel {
        let pieces = Protected(0)
        return WatchedModel(name: name, base: try server.model()) {
            let seen = pieces.withLock { pieces in
                pieces += 1
                return pieces
            }
            if seen == count { server.kill() }
        }
    }

    private func debate(_ quorum: Quorum) async throws -> (Result<Response, CollabError>, Run) {
        let server = try RealServer(["--slots", "1", "--threads", "1"])
        let mortal = try mortal(server, "mortal", after: 3)
        let here = try await native().named("here")
        let other = ScriptedModel("other", always: "The answer is 4.")
        let rules = DebateRules(rounds: 1, answers: .numeric, quorum: quorum)
        let run = Run()
        let request = Request(
            "What is 2 + 2? Explain at length.",
            options: GenerationOptions(maximumTokens: 24)
        )
        let debate = Debate("debate", rules) {
            mortal
            here
            other
        }
        do throws(CollabError) {
            return (.success(try await debate.respond(to: request, in: run)), run)
        } catch {
            return (.failure(error), run)
        }
    }

    @Test("A debate goes on without the member whose server dies in the middle of its answer")
    func debateGoesOn() async throws {
        let (result, run) = try await debate(.majority)
        let response = try result.get()
        #expect(!response.text.isEmpty)
        let rows = run.ledgerRows.filter { $0.model == "mortal" }
        #expect(rows.first?.billing == .possiblyBilled)
        #expect(rows.first?.failure?.contains("transport") == true)
        // Whatever was asked of the others was answered.
        #expect(run.ledgerRows.filter { $0.model != "mortal" }.allSatisfy { $0.billing == .billed })
    }

    @Test("A debate that insists on everybody ends with the error of the member whose server died")
    func debateEnds() async throws {
        let (result, run) = try await debate(.all)
        guard case .failure(let error) = result else {
            Issue.record("everybody was needed")
            return
        }
        #expect(error.description.contains("mortal"))
        #expect(!run.ledgerRows.isEmpty)
    }

    @Test("A circuit opens when the server dies in the middle of an answer, and closes when it is back")
    func restart() async throws {
        let clock = VirtualClock()
        let first = try RealServer(["--slots", "1", "--threads", "1"])
        let model = try mortal(first, "mortal", after: 3).circuitBreaking(CircuitRule(failuresInARow: 1))
        let request = Request.completion("Count: 1, 2, 3,", options: GenerationOptions(maximumTokens: 400))
        let error = await #expect(throws: CollabError.self) {
            try await model.respond(to: request, in: Run(clock: clock))
        }
        #expect(error?.code == .transport)
        #expect(error?.remoteFailure?.partial?.text.isEmpty == false)
        let refused = await #expect(throws: CollabError.self) {
            try await model.respond(to: request, in: Run(clock: clock))
        }
        #expect(refused?.code == .circuitOpen)
        let port = first.base.split(separator: ":").last?.split(separator: "/").first ?? "0"
        let second = try RealServer(["--slots", "1", "--threads", "1", "--port", String(port)])
        clock.advance(by: .seconds(60))
        let short = Request.completion("Count: 1, 2, 3,", options: GenerationOptions(maximumTokens: 3))
        #expect(try await model.respond(to: short, in: Run(clock: clock)).text.contains("4"))
        #expect(model.breaker.state == .closed)
        second.kill()
    }
}

/// A model whose pieces a test sees as they come.
private struct WatchedModel: TextModel {
    let name: String
    let base: RemoteModel
    let piece: @Sendable () -> Void

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

extension Run {
    fileprivate var ledgerRows: [LedgerRow] { trace?.ledger ?? [] }
}
