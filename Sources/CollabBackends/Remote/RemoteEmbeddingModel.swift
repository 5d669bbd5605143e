public import Collab

/// An embedding model behind a server that speaks OpenAI's protocol (`POST /embeddings`).
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

    /// The most texts that are sent in one request.
    private static let batch = 128

    /// Makes a model whose vectors have a known length; nothing is sent yet.
    ///
    /// Throws ``Collab/CollabError/Code/invalidRequest`` for the reasons that ``RemoteModel`` has, or if the length is
    /// less than 1.
    public init(
        _ model: String,
        at base: String,
        dimension: Int,
        key: Secret? = nil,
        settings: RemoteSettings = RemoteSettings()
    ) throws(CollabError) {
        if model.isEmpty { throw CollabError(.invalidRequest, "The name of the model is empty.") }
        if dimension < 1 {
            throw CollabError(.invalidRequest, "A vector cannot have \(dimension) components.")
        }
        self.model = model
        self.dimension = dimension
        name = settings.name ?? model
        endpoint = try Endpoint(base, key: key, settings: settings)
    }

    /// Asks the server for one vector to learn how long they are.
    public static func connecting(
        _ model: String,
        at base: String,
        key: Secret? = nil,
        settings: RemoteSettings = RemoteSettings()
    ) async throws(CollabError) -> RemoteEmbeddingModel {
        let probe = try RemoteEmbeddingModel(model, at: base, dimension: 1, key: key, settings: settings)
        let vector = try await probe.request(["dimension"]).first ?? []
        return try RemoteEmbeddingModel(
            model,
            at: base,
            dimension: vector.count,
            key: key,
            settings: settings
        )
    }

    /// One vector a text, in order, each scaled to unit length.
    ///
    /// Throws what a call of a ``RemoteModel`` throws, and ``Collab/CollabError/Code/malformedResponse`` if the vectors
    /// are not as many or as long as they should be, or not finite.
    public func embed(_ texts: [String]) async throws(CollabError) -> [[Float]] {
        var vectors: [[Float]] = []
        vectors.reserveCapacity(texts.count)
        for start in stride(from: 0, to: texts.count, by: Self.batch) {
            try checkCancellation()
            let part = Array(texts[start..<min(start + Self.batch, texts.count)])
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
        let body: JSONObject = [
            "model": .string(model), "input": .array(texts.map { .string($0) }),
            "encoding_format": .string("float"),
        ]
        let json = try await endpoint.fetchJSON(
            "POST",
            "embeddings",
            body: JSONValue.object(body).encoded(),
            model: model
        )
        guard let entries = json["data"]?.arrayValue, entries.count == texts.count else {
            throw malformed(
                "it holds \(json["data"]?.arrayValue?.count ?? 0) vectors for \(texts.count) texts"
            )
        }
        var vectors = [[Float]?](repeating: nil, count: texts.count)
        for (position, entry) in entries.enumerated() {
            let index = entry["index"]?.intValue ?? position
            guard vectors.indices.contains(index), vectors[index] == nil else {
                throw malformed("its vectors are not numbered as the texts are")
            }
            vectors[index] = try unitVector(entry["embedding"]?.arrayValue ?? [])
        }
        return vectors.compactMap(\.self)
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
