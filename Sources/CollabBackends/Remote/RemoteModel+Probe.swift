public import Collab

extension RemoteModel {
    /// The names of the models that the server offers, in its order (`GET /models`, Ollama: `GET /api/tags`).
    ///
    /// Throws what a call would throw if the server does not answer or refuses the key, and
    /// ``Collab/CollabError/Code/malformedResponse`` if what it answers is no list of models.
    public func availableModels() async throws(CollabError) -> [String] {
        try await listing().compactMap(\.modelName)
    }

    /// Makes sure that the server answers, accepts the key and offers the model, before work is built on it.
    ///
    /// Throws ``Collab/CollabError/Code/invalidRequest`` naming the models that are available if this one is not, and
    /// otherwise what ``availableModels()`` throws.
    public func checkAvailability() async throws(CollabError) {
        let available = try await availableModels()
        if !available.contains(where: isNamed) { throw missing(among: available) }
    }

    /// The entries of the server's list of models.
    func listing() async throws(CollabError) -> [JSONValue] {
        let json = try await endpoint.fetchJSON("GET", server.dialect.coding.listPath, model: model)
        // Some servers call the array "models" and have names in the place of identifiers.
        if let entries = json["data"]?.arrayValue ?? json["models"]?.arrayValue { return entries }
        throw CollabError(
            .malformedResponse,
            "\(endpoint.base) did not answer with a list of models; does it speak the protocol of \(server.name)?",
            cause: RemoteFailure(.malformed)
        )
    }

    /// Whether a name in the list is this model's. Ollama lists `gemma3` as `gemma3:latest`.
    func isNamed(_ listed: String) -> Bool { listed == model || listed == model + ":latest" }

    /// The error of a model that the server does not offer.
    func missing(among available: [String]) -> CollabError {
        let listed = available.prefix(20).map { escapingControls($0, limit: 80) }
        let names = listed.isEmpty ? "none" : listed.joined(separator: ", ")
        return CollabError(
            .invalidRequest,
            "\(endpoint.base) does not offer “\(model)”. Available: \(names)\(available.count > 20 ? ", …" : "").",
            cause: RemoteFailure(.notFound)
        )
    }
}

extension JSONValue {
    /// The name in an entry of a list of models.
    var modelName: String? { self["id"]?.stringValue ?? self["name"]?.stringValue }
}
