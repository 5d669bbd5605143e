import Collab
import Testing

@testable import CollabBackends

/// What is learnt about a model from its server; the samples follow the documentation of each, llama.cpp's is as a
/// running server wrote it.
@Suite("Capabilities of remote models", .timeLimit(.minutes(2)))
struct ModelCapabilitiesTests {
    private static func entry(_ text: String) throws -> ModelCapabilities {
        var capabilities = ModelCapabilities()
        capabilities.read(entry: try JSONValue(parsing: Array(text.utf8), policy: .wire))
        return capabilities
    }

    // MARK: Lists of models

    @Test("OpenAI tells nothing but the name, and nothing is made of it")
    func openAI() throws {
        let told = try Self.entry(#"{"id":"gpt-x","object":"model","created":1,"owned_by":"openai"}"#)
        #expect(told == ModelCapabilities())
        #expect("\(told)" == "nothing known")
    }

    @Test("llama.cpp tells both contexts, the vocabulary and what goes in")
    func llamaCPP() throws {
        let told = try Self.entry(
            #"{"id":"smollm2","aliases":["smollm2"],"tags":[],"object":"model","architecture":{"input_modalities":["text"],"output_modalities":["text"]},"created":1795742864,"owned_by":"llamacpp","meta":{"vocab_type":2,"n_vocab":49152,"n_ctx":2048,"n_ctx_train":8192,"n_embd":576,"n_params":134515008,"size":96576768,"ftype":"Q4_1"}}"#
        )
        #expect(told.server == .llamaCPP)
        #expect((told.contextLength, told.trainedContextLength) == (2048, 8192))
        #expect(told.vocabularySize == 49152)
        #expect((told.images, told.files, told.logprobs) == (false, false, true))
        #expect(told.tools == nil)
    }

    @Test("vLLM tells its longest sequence")
    func vLLM() throws {
        let told = try Self.entry(
            #"{"id":"Qwen/Qwen3-8B","object":"model","created":1,"owned_by":"vllm","root":"Qwen/Qwen3-8B","parent":null,"max_model_len":40960,"permission":[]}"#
        )
        #expect(told.server == .vLLM)
        #expect(told.contextLength == 40960)
        #expect((told.logprobs, told.images) == (true, nil))
    }

    @Test("OpenRouter's parameters and modalities are all that a model takes")
    func openRouter() throws {
        let told = try Self.entry(
            #"{"id":"a/b","context_length":131072,"architecture":{"modality":"text+image->text","input_modalities":["text","image"]},"top_provider":{"context_length":131072,"max_completion_tokens":8192,"is_moderated":false},"supported_parameters":["tools","temperature","reasoning"],"pricing":{"prompt":"0.0000004"}}"#
        )
        #expect((told.contextLength, told.maximumAnswerTokens) == (131072, 8192))
        #expect((told.images, told.files) == (true, false))
        #expect((told.tools, told.thinking, told.logprobs) == (true, true, false))
    }

    @Test("Groq and Mistral have names of their own for the same")
    func others() throws {
        let groq = try Self.entry(
            #"{"id":"m","owned_by":"Meta","active":true,"context_window":131072,"max_completion_tokens":32768}"#
        )
        #expect((groq.contextLength, groq.maximumAnswerTokens) == (131072, 32768))
        let mistral = try Self.entry(
            #"{"id":"m","owned_by":"mistralai","max_context_length":32768,"capabilities":{"completion_chat":true,"function_calling":true,"vision":false}}"#
        )
        #expect((mistral.contextLength, mistral.tools, mistral.images) == (32768, true, false))
    }

    @Test(
        "Numbers that can be no lengths, and values of the wrong kind, tell nothing",
        arguments: ["-1", "0", "1e9", "4096.0", #""4096""#, "null", "[4096]", "18446744073709551615"]
    )
    func senseless(value: String) throws {
        let told = try Self.entry(
            #"{"id":"m","max_model_len":"# + value + #","meta":"# + value
                + #","architecture":{"input_modalities":"# + value + #"},"supported_parameters":"# + value
                + #","capabilities":{"vision":"# + value + "}}"
        )
        #expect(told == ModelCapabilities())
    }

    // MARK: Ollama

    @Test(
        "Ollama tells abilities and the model's context; the served one is the caller's, or the model file's"
    )
    func ollama() throws {
        let json = try JSONValue(
            parsing: Array(
                #"{"parameters":"temperature 1\nnum_ctx                        4096\nstop \"<end>\"","capabilities":["completion","tools","thinking"],"model_info":{"general.architecture":"qwen3","qwen3.context_length":40960,"qwen3.vocab_size":151936}}"#
                    .utf8
            ),
            policy: .wire
        )
        var told = ModelCapabilities()
        told.read(show: json, extras: JSONObject())
        #expect((told.contextLength, told.trainedContextLength) == (4096, 40960))
        #expect(told.vocabularySize == 151936)
        #expect((told.tools, told.thinking, told.images, told.embeddings) == (true, true, false, false))
        told.read(show: json, extras: ["options": ["num_ctx": 16384]])
        #expect(told.contextLength == 16384)
        var silent = ModelCapabilities()
        silent.read(show: ["model_info": [:]], extras: JSONObject())
        #expect(silent.contextLength == nil)
        #expect((silent.images, silent.tools) == (nil, nil))
    }

    @Test(
        "Ollama tells log-probabilities since 0.12.11",
        arguments: [
            ("0.12.10", false), ("0.12.11", true), ("0.13.0", true), ("1.0.0", true),
            ("0.12.11-rc1", true), ("0.9.99", false), ("main", nil), ("0.12", nil),
        ] as [(String, Bool?)]
    )
    func ollamaVersions(version: String, logprobs: Bool?) {
        var told = ModelCapabilities()
        told.server = .ollama
        told.read(version: ["version": .string(version)])
        #expect(told.version == version)
        #expect(told.logprobs == logprobs)
    }

    // MARK: Over the wire

    private func model(
        _ faults: String,
        _ kind: ServerKind = .compatible,
        id: String = FaultServer.makeID("capabilities")
    ) throws -> RemoteModel {
        try RemoteModel.faulty(faults, id: id, on: .running(), server: kind)
    }

    @Test(
        "llama.cpp's properties say more than its list: a request's share of the context, and the template's abilities"
    )
    func askingLlamaCPP() async throws {
        let told = try await model("as=llamacpp").capabilities()
        #expect((told.contextLength, told.trainedContextLength) == (2048, 131072))
        #expect((told.version, told.parallelRequests) == ("b6543-abc", 4))
        #expect((told.images, told.tools) == (true, false))
        #expect(
            "\(told)"
                == "llama.cpp b6543-abc, context of 2048 tokens, made for 131072, images, no tools, log-probabilities"
        )
    }

    @Test("A server that keeps its properties to itself is known by its list alone")
    func hiddenProperties() async throws {
        let told = try await model("as=llamacpp,noprops").capabilities()
        #expect((told.contextLength, told.version) == (8192, nil))
    }

    @Test("vLLM, Ollama and Anthropic are asked where each has it")
    func askingOthers() async throws {
        let vLLM = try await model("as=vllm", .vLLM).capabilities()
        #expect((vLLM.version, vLLM.contextLength) == ("0.32.0", 32768))
        for kind in [ServerKind.ollama, .compatible] {
            let ollama = try await model("as=ollama", kind).capabilities()
            #expect(ollama.server == .ollama)
            #expect((ollama.contextLength, ollama.trainedContextLength) == (4096, 32768))
            #expect((ollama.version, ollama.logprobs) == ("0.12.11", true))
            #expect((ollama.images, ollama.tools) == (true, false))
        }
        let anthropic = try await model("as=anthropic", .anthropic).capabilities()
        #expect((anthropic.contextLength, anthropic.maximumAnswerTokens) == (200_000, 64_000))
        #expect((anthropic.images, anthropic.files, anthropic.thinking) == (true, false, true))
        #expect(anthropic.logprobs == false)
    }

    @Test("The models of every protocol are listed, and found by the short name that Ollama takes")
    func lists() async throws {
        let ollama = try model("as=ollama", .ollama)
        #expect(try await ollama.availableModels() == ["fault-model:latest"])
        try await ollama.checkAvailability()
        let anthropic = try model("as=anthropic", .anthropic)
        #expect(try await anthropic.availableModels() == ["fault-model"])
        try await anthropic.checkAvailability()
    }

    @Test("A model takes the kind that its server says it is")
    func connecting() async throws {
        for (faults, kind) in [
            ("as=llamacpp", ServerKind.llamaCPP), ("as=vllm", .vLLM), ("as=ollama", .compatible),
            ("ok", .compatible),
        ] {
            let base = try FaultServer.running().base(faults, id: FaultServer.makeID("connect"))
            #expect(try await RemoteModel.connecting("fault-model", at: base).server == kind)
        }
    }

    @Test(
        "What goes wrong is a typed error without the key",
        arguments: [
            ("need_key=another", CollabError.Code.unauthorized), ("status=429", .rateLimited),
            ("status=500,body=echo", .serverError), ("reset=before", .transport),
        ],
        [ServerKind.compatible, .ollama, .anthropic]
    )
    func failures(expectation: (faults: String, code: CollabError.Code), kind: ServerKind) async throws {
        let model = try model(expectation.faults, kind)
        let error = await #expect(throws: CollabError.self) { try await model.capabilities() }
        #expect(error?.code == expectation.code)
        #expect(error?.remoteFailure?.isPossiblyBilled != true)
        expectNoKey(in: error as Any)
    }

    @Test("A model that is not offered is an error that lists those that are")
    func missing() async throws {
        let base = try FaultServer.running().base("as=vllm", id: FaultServer.makeID("missing"))
        let model = try RemoteModel("nope", at: base)
        let error = await #expect(throws: CollabError.self) { try await model.capabilities() }
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains("fault-model") == true)
        // llama.cpp serves what it has under every name.
        let any = try FaultServer.running().base("as=llamacpp", id: FaultServer.makeID("missing"))
        #expect(try await RemoteModel("nope", at: any).capabilities().contextLength == 2048)
    }

    @Test("A server's own paths begin where the protocol's version is cut off")
    func root() throws {
        for (base, root) in [
            ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/"),
            ("http://127.0.0.1:8080/v1/", "http://127.0.0.1:8080/"),
            ("http://127.0.0.1:8080/a/v1?x=1", "http://127.0.0.1:8080/a?x=1"),
            ("http://127.0.0.1:11434", "http://127.0.0.1:11434/"),
        ] {
            let endpoint = try Endpoint(base, key: nil, settings: RemoteSettings())
            #expect(try endpoint.root().base.whole == root)
        }
    }
}
