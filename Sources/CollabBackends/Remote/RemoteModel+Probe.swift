public import Collab

extension RemoteModel {
    /// The names of the models that the server offers, in its order (`GET /models`).
    public func availableModels() async throws(CollabError) -> [String] {
        let (wire, redactor) = try await endpoint.request("GET", "models")
        let transport = try endpoint.transport()
        let body: [UInt8]
        let head: ResponseHead
        do throws(RemoteProblem) {
            (head, body) = try await Self.fetch(wire, over: transport)
        } catch {
            if error.isCancellation || Task.isCancelled { throw .cancelled }
            throw CollabError(remote: error, model: self, redactor: redactor)
        }
        let json = try? JSONValue(parsing: body, policy: .wire)
        // Ollama's own listing calls the array "models".
        guard let entries = json?["data"]?.arrayValue ?? json?["models"]?.arrayValue else {
            let problem = RemoteProblem.noStream(head, String(decoding: body.prefix(400), as: UTF8.self))
            throw CollabError(remote: problem, model: self, redactor: redactor)
        }
        return entries.compactMap { $0["id"]?.stringValue ?? $0["name"]?.stringValue }
    }

    /// Makes sure that the server answers, accepts the key and offers the model, before work is built on it.
    ///
    /// Throws ``Collab/CollabError/Code/invalidRequest`` naming the models that are available if this one is not, and
    /// otherwise what a call would throw.
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

    private static func fetch(
        _ wire: HTTPRequest,
        over transport: Transport
    ) async throws(RemoteProblem) -> (ResponseHead, [UInt8]) {
        let exchange: Exchange
        let body: [UInt8]
        do throws(TransportError) {
            exchange = try await transport.open(wire)
            body = try await exchange.body(upTo: 16 << 20)
        } catch {
            throw .transport(error)
        }
        if (200..<300).contains(exchange.head.status) { return (exchange.head, body) }
        throw .refused(exchange.head, ServerComplaint(body: Array(body.prefix(64 << 10))))
    }
}

extension CollabError {
    /// The error for a problem without a partial answer.
    fileprivate init(remote problem: RemoteProblem, model: RemoteModel, redactor: Redactor) {
        var failure = problem.failure
        failure.requestID = failure.requestID.map(redactor.scrub)
        failure.isPossiblyBilled = false
        let message = problem.message(
            server: "\(model.endpoint.base)",
            model: model.model,
            scrub: redactor.scrub
        )
        self.init(failure.kind.code, redactor.scrub(message), cause: failure)
    }
}
