public import Collab

/// A model behind a server: OpenAI, Anthropic, vLLM, llama.cpp's server, Ollama, and whatever speaks one of their
/// protocols.
///
/// ```swift
/// // llama.cpp:  llama-server -m model.gguf --port 8080
/// let small = try RemoteModel("smollm2", at: "http://127.0.0.1:8080/v1", server: .llamaCPP)
///
/// // vLLM:  vllm serve Qwen/Qwen3-8B --api-key …
/// let large = try RemoteModel(
///     "Qwen/Qwen3-8B", at: "http://127.0.0.1:8000/v1", key: .environment("VLLM_API_KEY"), server: .vLLM)
///
/// // Ollama:  ollama run gemma3
/// let local = try RemoteModel("gemma3", at: "http://127.0.0.1:11434", server: .ollama)
///
/// // OpenAI
/// let cloud = try RemoteModel(
///     "gpt-4.1-mini", at: "https://api.openai.com/v1", key: .environment("OPENAI_API_KEY"), server: .openAI,
///     settings: RemoteSettings(price: Price(promptPerMillion: 0.4, completionPerMillion: 1.6)))
///
/// let answer = try await Cascade(until: .confidence(above: 0.8)) { small; cloud }.respond(to: "…")
/// ```
///
/// What a request becomes is the matter of the server's ``Dialect``. Answers are streamed over the wire even to callers
/// that want them whole. Cancelling the task closes the connection at once, which makes the server stop. One call is one
/// request: nothing is retried here.
///
/// Errors are ``Collab/CollabError``s whose `remoteFailure` tells what is known about the request's
/// fate, including the text that had arrived. No key appears in any of them. Where a server quotes the key in an answer,
/// the caller gets the answer as it is; in traces, cassettes, caches and logs `[redacted]` stands in the key's place.
public struct RemoteModel: TextModel {
    /// What to call the model.
    public let name: String
    /// It runs elsewhere, at the price of its settings. Whoever vouches for the server says `located(_:)`.
    public var profile: ModelProfile { ModelProfile(locality: .remote, price: price) }
    /// The name that the server knows the model by.
    public let model: String
    /// What the server understands.
    public let server: ServerKind
    /// How the model is called.
    public var settings: RemoteSettings { endpoint.settings }

    let endpoint: Endpoint
    /// Texts of tokens that the server has told.
    let tokenTexts = Protected<[TokenID: String]>([:])
    /// How texts that go on with others become tokens, once it has been found out.
    let continuationRule = Protected<ContinuationRule?>(nil)

    /// Makes a model; nothing is sent yet.
    ///
    /// Throws ``Collab/CollabError/Code/invalidRequest`` if the name is empty, if the address is none, or if the key
    /// would be sent in the clear to another machine, and ``Collab/CollabError/Code/unsupported`` for an option that the
    /// server does not have.
    ///
    /// - Parameters:
    ///   - model: the name that the server knows the model by.
    ///   - base: the address that the paths of the protocol are appended to; it usually ends with `/v1`.
    ///   - key: the key, if the server wants one.
    ///   - server: what the server understands beyond the protocol.
    ///   - settings: timeouts, prices, header fields.
    public init(
        _ model: String,
        at base: String,
        key: Secret? = nil,
        server: ServerKind = .compatible,
        settings: RemoteSettings = RemoteSettings()
    ) throws(CollabError) {
        if model.isEmpty { throw CollabError(.invalidRequest, "The name of the model is empty.") }
        self.model = model
        self.server = server
        for option in settings.options { _ = try option.fields(for: server) }
        name = settings.name ?? model
        endpoint = try Endpoint(base, key: key, settings: settings, dialect: server.dialect)
    }

    /// The same model, which reaches its server in another way.
    init(_ model: RemoteModel, over endpoint: Endpoint) {
        self.model = model.model
        server = model.server
        name = model.name
        self.endpoint = endpoint
    }

    /// The same server's model of another name, or with other settings, behind the same modifiers.
    func sibling(_ model: String, _ settings: RemoteSettings) throws(CollabError) -> RemoteModel {
        let sibling = try RemoteModel(
            model,
            at: endpoint.base.whole,
            key: endpoint.key,
            server: server,
            settings: settings
        )
        guard let guardian = endpoint.guardian else { return sibling }
        return RemoteModel(sibling, over: sibling.endpoint.guarded(by: guardian))
    }

    /// What the model's tokens cost; `nil` if nobody has told.
    public var price: Price? { settings.price ?? settings.prices?.price(of: model) }

    /// Writes an answer.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try request.validate()
        try checkCancellation()
        if price == nil { try Run.checkPrice(of: name) }
        guard let guardian = endpoint.guardian else { return try await ask(request, into: sink) }
        return try await GuardedRequests.answer(request, into: sink, through: guardian) {
            (request, sink) async throws(CollabError) -> Response in
            try await ask(request, into: sink)
        }
    }

    private func ask(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let writer = RequestBody(model: model, server: server, settings: settings)
        let bytes = JSONValue.object(try writer.make(for: request)).encoded()
        let path = writer.path(for: request)
        let (wire, redactor, keys) = try await endpoint.request("POST", path, body: bytes)
        let call = RemoteCall(model: self, request: request, redactor: redactor, keys: keys)
        return try await call.perform(wire, over: endpoint.transport(), into: sink)
    }
}

extension RemoteModel: CustomStringConvertible, CustomReflectable {
    /// Name and address.
    public var description: String { "\(name) at \(endpoint.base)" }
    /// Name, address and kind of server; no keys.
    public var customMirror: Mirror {
        Mirror(
            self,
            children: ["name": name, "model": model, "base": "\(endpoint.base)", "server": server.name]
        )
    }
}
