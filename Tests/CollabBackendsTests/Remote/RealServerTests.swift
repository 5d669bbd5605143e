import Collab
import CollabTesting
import Testing

@testable import CollabBackends

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A remote model on a real server with a real model.
@Suite(
    "Remote model on a real server",
    .enabled(if: RealServer.isInstalled, "Scripts/real-server --install makes these tests run"),
    .serialized,
    .timeLimit(.minutes(5))
)
struct RealServerTests {
    let server: RealServer

    init() throws {
        server = try RealServer.running()
    }

    private func options(
        _ tokens: Int,
        alternatives: Int = 0,
        stop: [String] = [],
        sampling: Sampling = .greedy,
        seed: UInt64? = nil
    ) -> GenerationOptions {
        GenerationOptions(
            maximumTokens: tokens,
            sampling: sampling,
            stopSequences: stop,
            seed: seed,
            alternatives: alternatives
        )
    }

    @Test("It knows the capital of France")
    func completion() async throws {
        let request = Request.completion("The capital of France is", options: options(2, alternatives: 3))
        let response = try await server.model().respond(to: request)
        #expect(response.text == " Paris.")
        #expect(response.ending == .tokenLimit)
        #expect(response.usage.promptTokens == 5)
        #expect(response.usage.completionTokens == 2)
        let tokens = try #require(response.tokens)
        #expect(tokens.map(\.id) == [7042, 30])
        #expect(tokens.flatMap(\.bytes) == Array(" Paris.".utf8))
        #expect(abs(tokens[0].logprob + 0.259) < 0.05)
        #expect(tokens[0].alternatives.count == 3)
        #expect(tokens[0].alternatives[0].id == 7042)
    }

    @Test("All 49,152 tokens of its vocabulary come as alternatives, in an event far beyond the usual limit")
    func wholeVocabulary() async throws {
        let request = Request.completion(
            "The capital of France is",
            options: options(1, alternatives: 49152)
        )
        let token = try #require(try await server.model().respond(to: request).tokens?.first)
        #expect(token.alternatives.count == 49152)
        #expect(Set(token.alternatives.compactMap(\.id)).count == 49152)
        let mass = token.alternatives.reduce(0) { $0 + exp($1.logprob) }
        #expect(abs(mass - 1) < 1e-3)
        #expect(token.alternatives[0].id == 7042)
    }

    @Test("A slot keeps what it has computed of a prompt, unless it is told not to")
    func slots() async throws {
        let text = String(repeating: "One and two and three. ", count: 8)
        func cached(_ options: [ServerOption]) async throws -> Int {
            let request = Request.completion(text, options: self.options(1))
            return try await server.model { $0.options = options }.respond(to: request).usage.cachedTokens
        }
        // The server gives any slot to whoever names none, as other tests do meanwhile: what a slot keeps may be gone.
        var (most, tries) = (0, 0)
        while most <= 30, tries < 50 {
            _ = try await cached([.slot(1), .reusesPrompt(true)])
            most = try await cached([.slot(1), .reusesPrompt(true)])
            tries += 1
        }
        #expect(most > 30)
        #expect(try await cached([.slot(1), .reusesPrompt(false)]) == 0)
    }

    @Test("A dialogue is answered through the model's own chat template, piece by piece")
    func dialogue() async throws {
        let outcome = await call(try server.model(), Request("Say hi.", options: options(8)))
        let response = try outcome.result.get()
        #expect(response.text.hasPrefix("Hello"))
        #expect(outcome.pieces.count > 5)
        #expect(response.usage.promptTokens > 10)
    }

    @Test("It keeps the promises of a text model")
    func conformance() async throws {
        // This server closes kept-alive connections without a word now and then; what is lost that way is asked again.
        let model = try server.model().retrying()
        let violations = await BackendConformance(model, patience: .seconds(20)).violations()
        #expect(violations.isEmpty, "\(violations)")
    }

    @Test("A stop sequence ends the answer and is not part of it")
    func stopSequence() async throws {
        let request = Request.completion("1, 2, 3, 4,", options: options(16, stop: [" 7"]))
        let response = try await server.model().respond(to: request)
        #expect(response.text.contains("5"))
        #expect(!response.text.contains("7"))
        #expect(response.ending == .finished)
    }

    @Test("The same seed gives the same answer, another seed another")
    func seeds() async throws {
        let model = try server.model { $0.extras = ["cache_prompt": .bool(false)] }
        func text(_ seed: UInt64) async throws -> String {
            let options = options(12, sampling: .temperature(1.5), seed: seed)
            return try await model.respond(to: .completion("Once upon a time", options: options)).text
        }
        let first = try await text(1)
        #expect(try await text(1) == first)
        #expect(try await text(2) != first)
    }

    @Test("The models are listed, and a wrong name is an error that lists them")
    func listing() async throws {
        #expect(try await server.model().availableModels() == ["smollm2"])
        try await server.model().checkAvailability()
        let wrong = try server.model("gpt-nope", server: .compatible)
        let error = await #expect(throws: CollabError.self) { try await wrong.checkAvailability() }
        #expect(error?.message.contains("smollm2") == true)
    }

    @Test("A wrong key is refused, and neither key is shown")
    func wrongKey() async throws {
        let model = try server.model(key: canaryKey, server: .compatible)
        let outcome = await call(model)
        #expect(outcome.error?.code == .unauthorized)
        expectNoKey(in: outcome.error as Any, RealServer.key)
    }

    @Test("A prompt that is too long is an overflow of the context, and the server's length is known")
    func contextOverflow() async throws {
        let outcome = await call(try server.model(), .completion(String(repeating: "word ", count: 5000)))
        #expect(outcome.error?.code == .contextOverflow)
        #expect(outcome.failure?.contextLength == 2048)
    }

    @Test("Cancelling frees the server for the next request")
    func cancelling() async throws {
        let model = try server.model()
        let begun = Gate()
        let task = Task {
            defer { begun.open() }
            do throws(CollabError) {
                let request = Request.completion("Count: 1, 2, 3,", options: options(1500))
                _ = try await model.generate(request, into: ResponseSink { _ in begun.open() })
                return CollabError.Code("none")
            } catch {
                return error.code
            }
        }
        await begun.wait()
        task.cancel()
        #expect(await task.value == .cancelled)
        let start = ContinuousClock.now
        _ = try await model.respond(to: .completion("The", options: options(1)))
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test("A server that dies in the middle of an answer is an error that keeps what had arrived")
    func dyingServer() async throws {
        let dying = try RealServer(["--slots", "1", "--threads", "1"])
        let request = Request.completion("Count: 1, 2, 3,", options: options(1500))
        let model = try dying.model()
        let pieces = Protected(0)
        let sink = ResponseSink { _ in
            let count = pieces.withLock { pieces in
                pieces += 1
                return pieces
            }
            if count == 3 { dying.kill() }
        }
        do throws(CollabError) {
            _ = try await model.generate(request, into: sink)
            Issue.record("the server was killed")
        } catch {
            #expect(error.code == .transport)
            #expect(error.remoteFailure?.kind == .interrupted)
            #expect(error.remoteFailure?.partial?.text.isEmpty == false)
        }
        let after = await call(model)
        #expect(after.failure?.kind == .notSent)
    }
}
