public import Collab

extension RemoteModel {
    /// The names of the models that the server offers, in its order (`GET /models`).
    ///
    /// Throws what a call would throw if the server does not answer or refuses the key, and
    /// ``Collab/CollabError/Code/malformedResponse`` if what it answers is no list of models.
    public func availableModels() async throws(CollabError) -> [String] {
        let json = try await endpoint.fetchJSON("GET", "models", model: model)
        // Some servers call the array "models" and have names in the place of identifiers.
        guard let entries = json["data"]?.arrayValue ?? json["models"]?.arrayValue else {
            throw CollabError(
                .malformedResponse,
                "\(endpoint.base) did not answer with a list of models; is it an OpenAI-compatible server?",
                cause: RemoteFailure(.malformed)
            )
        }
        return entries.compactMap { $0["id"]?.stringValue ?? $0["name"]?.stringValue }
    }

    /// Makes sure that the server answers, accepts the key and offers the model, before work is built on it.
    ///
    /// Throws ``Collab/CollabError/Code/invalidRequest`` naming the models that are available if this one is not, and
    /// otherwise what ``availableModels()`` throws.
    public func checkAvailability() async throws(CollabError) {
        let available = try await availableModels()
        if available.contains(model) { return }
        let listed = available.prefix(20).map { escapingControls($0, limit: 80) }
        let names = listed.isEmpty ? "none" : listed.joined(separator: ", ")
        throw CollabError(
            .invalidRequest,
            "\(endpoint.base) does not offer “\(model)”. Available: \(names)\(available.count > 20 ? ", …" : "").",
            cause: RemoteFailure(.notFound)
        )
    }
}
