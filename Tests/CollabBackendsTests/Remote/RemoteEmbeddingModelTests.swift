import Collab
import CollabTesting
import Testing

@testable import CollabBackends

@Suite("Remote embedding model", .timeLimit(.minutes(2)))
struct RemoteEmbeddingModelTests {
    let server: FaultServer
    let id: String

    init() throws {
        server = try FaultServer.running()
        id = FaultServer.makeID("embed")
    }

    private func model(_ faults: String = "ok", dimension: Int = 3) throws -> RemoteEmbeddingModel {
        let settings = RemoteSettings(transport: try Transport())
        let base = server.base(faults, id: id)
        return try RemoteEmbeddingModel(
            "e",
            at: base,
            dimension: dimension,
            key: Secret { canaryKey },
            settings: settings
        )
    }

    @Test("Each text has its vector, in order and of unit length, over several requests")
    func embedding() async throws {
        // The server's vectors are (0.6, 0.8, number of the text within its request).
        let vectors = try await model().embed((0..<300).map { "text \($0)" })
        #expect(vectors.count == 300)
        for (position, vector) in vectors.enumerated() {
            #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
            let number = Float(position % 128)
            #expect(abs(vector[2] - number / (1 + number * number).squareRoot()) < 1e-5)
        }
        #expect(try await server.statistics(id).requests == 3)
        #expect(try await model().embed([]).isEmpty)
    }

    @Test("The length of the vectors is learnt from the server")
    func connecting() async throws {
        let model = try await RemoteEmbeddingModel.connecting("e", at: server.base("ok", id: id))
        #expect(model.dimension == 3)
        #expect(model.textsPerRequest == 128)
    }

    @Test("What vectors cost is booked where a run asks for them, and none is asked for at an unknown price")
    func booking() async throws {
        let settings = RemoteSettings(
            price: Price(promptPerMillion: 2, completionPerMillion: 0),
            transport: try Transport()
        )
        let model = try RemoteEmbeddingModel(
            "e",
            at: server.base("ok", id: id),
            dimension: 3,
            settings: settings
        )
        let run = Run()
        _ = try await team(choosingBy: model).respond(to: "one", in: run)
        let row = try #require(run.trace?.ledger.first { $0.model == "e" })
        #expect(row.usage.promptTokens > 0)
        #expect(row.usage.cost == Money(billionths: Int64(row.usage.promptTokens) * 2000))
        #expect(row.usage.calls == 1)
        #expect(run.usage.calls == 2)
        #expect(run.usage.unpricedCalls == 0)
        let unpriced = try self.model()
        let error = await #expect(throws: CollabError.self) {
            try await team(choosingBy: unpriced).respond(
                to: "one",
                in: Run(budget: .cost(Money(billionths: 1_000_000_000)))
            )
        }
        #expect(error?.code == .invalidRequest)
    }

    private func team(choosingBy model: RemoteEmbeddingModel) async throws -> Pipeline<TextAccess> {
        let router = try await ExampleRouter(["a": ["one"], "b": ["two"]], embeddedBy: model, threshold: -1)
        return Pipeline {
            Route(by: router) {
                Team("a") { ScriptedModel("a", always: "A") }
                Team("b") { ScriptedModel("b", always: "B") }
            }
        }
    }

    @Test("Vectors of another length than expected are an error")
    func wrongDimension() async throws {
        let error = await #expect(throws: CollabError.self) { try await model(dimension: 4).embed(["x"]) }
        #expect(error?.code == .malformedResponse)
    }

    @Test(
        "Failures are typed and do not show the key",
        arguments: [
            ("status=401", CollabError.Code.unauthorized), ("status=429", .rateLimited),
            ("status=500,body=echo", .serverError), ("nonstream=garbage", .malformedResponse),
            ("nonstream=error200", .serverError), ("nonstream=nochoices", .malformedResponse),
            ("reset=before", .transport),
        ]
    )
    func failures(faults: String, code: CollabError.Code) async throws {
        let error = await #expect(throws: CollabError.self) { try await model(faults).embed(["x"]) }
        #expect(error?.code == code)
        expectNoKey(in: error as Any)
        expectNoKey(in: try model())
    }

    @Test("No more than the cap of an error's body is read, and the status is what counts")
    func bigErrorBody() async throws {
        let settings = RemoteSettings(maximumResponseBytes: 1 << 20, transport: try Transport())
        let base = try FaultServer.runningForFloods().base("status=503,body=big,bytes=33554432", id: id)
        let model = try RemoteEmbeddingModel("e", at: base, dimension: 3, settings: settings)
        let error = await #expect(throws: CollabError.self) { try await model.embed(["x"]) }
        #expect(error?.remoteFailure?.kind == .overloaded)
        #expect(error?.remoteFailure?.isPossiblyBilled == false)
    }

    // MARK: Ollama

    private func ollama(_ faults: String = "ok", dimension: Int = 3) throws -> RemoteEmbeddingModel {
        let settings = RemoteSettings(transport: try Transport())
        let base = server.base(faults, id: id).dropLast("/v1".count)
        return try RemoteEmbeddingModel(
            "e",
            at: String(base),
            dimension: dimension,
            server: .ollama,
            settings: settings
        )
    }

    @Test("Ollama's vectors are the same by its own protocol")
    func ollamaVectors() async throws {
        let texts = (0..<130).map { "text \($0)" }
        #expect(try await ollama().embed(texts) == model().embed(texts))
        let base = String(server.base("ok", id: id).dropLast("/v1".count))
        #expect(try await RemoteEmbeddingModel.connecting("e", at: base, server: .ollama).dimension == 3)
        let error = await #expect(throws: CollabError.self) { try await ollama(dimension: 4).embed(["x"]) }
        #expect(error?.code == .malformedResponse)
        let refused = await #expect(throws: CollabError.self) {
            try await ollama("status=404,body=string").embed(["x"])
        }
        #expect(refused?.remoteFailure?.kind == .notFound)
    }

    @Test("What is written follows each protocol; Ollama is told not to cut texts")
    func bodies() {
        let openAI = OpenAIEmbeddingCoding().body(["a", "b"], model: "m")
        #expect(
            JSONValue.object(openAI).description
                == #"{"model":"m","input":["a","b"],"encoding_format":"float"}"#
        )
        let ollama = OllamaEmbeddingCoding().body(["a"], model: "m")
        #expect(JSONValue.object(ollama).description == #"{"model":"m","input":["a"],"truncate":false}"#)
    }

    @Test("Vectors that are missing, too many or numbered twice are an error")
    func miscounted() throws {
        let answers: [(any EmbeddingCoding, String)] = [
            (OpenAIEmbeddingCoding(), #"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}"#),
            (OpenAIEmbeddingCoding(), #"{"data":[{"index":0,"embedding":[1]},{"index":2,"embedding":[1]}]}"#),
            (OpenAIEmbeddingCoding(), #"{"data":[{"index":0,"embedding":[1]}]}"#),
            (OpenAIEmbeddingCoding(), #"{"data":"none"}"#),
            (OllamaEmbeddingCoding(), #"{"embeddings":[[1]]}"#),
            (OllamaEmbeddingCoding(), #"{"embeddings":[[1],[1],[1]]}"#),
            (OllamaEmbeddingCoding(), #"{"embedding":[1]}"#),
        ]
        for (coding, answer) in answers {
            let json = try JSONValue(parsing: Array(answer.utf8), policy: .wire)
            #expect(throws: EmbeddingProblem.self) { try coding.vectors(json, count: 2) }
        }
    }

    @Test("A protocol without vectors, and extra fields in the place of needed ones, are refused at once")
    func refused() {
        let anthropic = #expect(throws: CollabError.self) {
            try RemoteEmbeddingModel("m", at: "http://127.0.0.1:1/v1", dimension: 1, server: .anthropic)
        }
        #expect(anthropic?.code == .unsupported)
        let replaced = #expect(throws: CollabError.self) {
            try RemoteEmbeddingModel(
                "m",
                at: "http://127.0.0.1:1/v1",
                dimension: 1,
                settings: RemoteSettings(extras: ["input": "x"])
            )
        }
        #expect(replaced?.code == .invalidRequest)
    }
}
