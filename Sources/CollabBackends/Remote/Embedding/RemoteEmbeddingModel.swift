public import Collab

/// An embedding model behind a server: OpenAI's protocol (`POST /embeddings`), which most servers speak, or Ollama's
/// (`POST /api/embed`).
///
/// ```swift
/// let encoder = try await RemoteEmbeddingModel.connecting(
///     "text-embedding-3-small", at: "https://api.openai.com/v1", key: .environment("OPENAI_API_KEY"))
/// let vectors = try await encoder.embed(["a cat", "a kitten"])
/// ```
public struct RemoteEmbeddingModel: EmbeddingModel {
    /// What to call the model.
    public let name: String
    /// The name that the server knows the model by.
    public let model: String
    /// The length of a vector.
    public let dimension: Int
    private let endpoint: Endpoint
    private let coding: any EmbeddingCoding

    /// The most texts that are sent in one request.
    public let textsPerRequest: Int
    /// The price of a token; `nil` if it is not known.
    public var price: Price? { endpoint.settings.price ?? endpoint.settings.prices?.price(of: model) }

    /// How many texts go into a request unless told otherwise.
    private static let usualTexts = 128

    /// Makes a model whose vectors have a known length; nothing is sent yet.
    ///
    /// Throws ``Collab/CollabError/Code/invalidRequest`` for the reasons that ``RemoteModel`` has, or if the length is
    /// less than 1 or an extra field would replace one that is needed, and ``Collab/CollabError/Code/unsupported`` if the
    /// server's protocol has no vectors.
    public init(
        _ model: String,
        at base: String,
        dimension: Int,
        key: Secret? = nil,
        server: ServerKind = .compatible,
        textsPerRequest: Int? = nil,
        settings: RemoteSettings = RemoteSettings()
    ) throws(CollabError) {
        if model.isEmpty { throw CollabError(.invalidRequest, "The name of the model is empty.") }
        if dimension < 1 {
            throw CollabError(.invalidRequest, "A vector cannot have \(dimension) components.")
        }
        if let textsPerRequest, textsPerRequest < 1 {
            throw CollabError(.invalidRequest, "A request cannot have \(textsPerRequest) texts.")
        }
        guard let coding = server.dialect.coding.embedding else {
            throw CollabError(.unsupported, "\(server.name) makes no vectors of texts.")
        }
        for name in ["model", "input"] where settings.extras[name] != nil {
            throw CollabError(.invalidRequest, "The extra field “\(name)” would replace one that is needed.")
        }
        self.coding = coding
        self.model = model
        self.dimension = dimension
        name = settings.name ?? model
        // Some builds of its server mix up texts that are pooled side by side.
        self.textsPerRequest = textsPerRequest ?? (server.extensions == .llamaCPP ? 1 : Self.usualTexts)
        endpoint = try Endpoint(base, key: key, settings: settings, dialect: server.dialect)
    }

    /// The same model, whose requests pass modifiers.
    init(_ model: RemoteEmbeddingModel, guardian: any TextModel) {
        coding = model.coding
        self.model = model.model
        dimension = model.dimension
        name = model.name
        textsPerRequest = model.textsPerRequest
        endpoint = model.endpoint.guarded(by: guardian)
    }

    /// Asks the server for one vector to learn how long they are.
    public static func connecting(
        _ model: String,
        at base: String,
        key: Secret? = nil,
        server: ServerKind = .compatible,
        textsPerRequest: Int? = nil,
        settings: RemoteSettings = RemoteSettings()
    ) async throws(CollabError) -> RemoteEmbeddingModel {
        let probe = try RemoteEmbeddingModel(
            model,
            at: base,
            dimension: 1,
            key: key,
            server: server,
            textsPerRequest: textsPerRequest,
            settings: settings
        )
        let vector = try await probe.request(["dimension"]).first ?? []
        return try RemoteEmbeddingModel(
            model,
            at: base,
            dimension: vector.count,
            key: key,
            server: server,
            textsPerRequest: textsPerRequest,
            settings: settings
        )
    }

    /// One vector a text, in order, each scaled to unit length.
    ///
    /// Throws what a call of a ``RemoteModel`` throws, and ``Collab/CollabError/Code/malformedResponse`` if the vectors
    /// are not as many or as long as they should be, or not finite.
    public func embed(_ texts: [String]) async throws(CollabError) -> [[Float]] {
        if price == nil { try Run.checkPrice(of: name) }
        var vectors: [[Float]] = []
        vectors.reserveCapacity(texts.count)
        for start in stride(from: 0, to: texts.count, by: textsPerRequest) {
            try checkCancellation()
            let part = Array(texts[start..<min(start + textsPerRequest, texts.count)])
            for vector in try await request(part) {
                if vector.count != dimension {
                    throw malformed("a vector has \(vector.count) components instead of \(dimension)")
                }
                vectors.append(vector)
            }
        }
        return vectors
    }

    private func request(_ texts: [String]) async throws(CollabError) -> [[Float]] {
        var body = coding.body(texts, model: model)
        for extra in endpoint.settings.extras { body[extra.key] = extra.value }
        let json = try await endpoint.fetchJSON(
            "POST",
            coding.path,
            body: JSONValue.object(body).encoded(),
            model: model
        )
        Run.spend(coding.usage(json).priced(at: price))
        let rows: [[JSONValue]]
        do throws(EmbeddingProblem) { rows = try coding.vectors(json, count: texts.count) } catch {
            throw malformed(error.what)
        }
        return try rows.map { (row) throws(CollabError) in try unitVector(row) }
    }

    private func unitVector(_ components: [JSONValue]) throws(CollabError) -> [Float] {
        let values = components.compactMap(\.doubleValue)
        let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard values.count == components.count, length.isFinite, length > 0 else {
            throw malformed("a vector is empty, zero or not finite")
        }
        return values.map { Float($0 / length) }
    }

    private func malformed(_ what: String) -> CollabError {
        CollabError(
            .malformedResponse,
            "The answer of \(endpoint.base) cannot be used: \(what).",
            cause: RemoteFailure(.malformed, isPossiblyBilled: true)
        )
    }
}

extension RemoteEmbeddingModel: CustomStringConvertible, CustomReflectable {
    /// Name and address.
    public var description: String { "\(name) at \(endpoint.base)" }
    /// Name, address and length of the vectors; no keys.
    public var customMirror: Mirror {
        Mirror(self, children: ["name": name, "base": "\(endpoint.base)", "dimension": dimension])
    }
}
