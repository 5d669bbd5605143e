internal import Collab

extension Endpoint {
    /// Sends a request whose answer is one JSON text.
    ///
    /// - Parameters:
    ///   - isCharged: whether the server may charge for the answer.
    ///   - model: the model to name in errors.
    func fetchJSON(
        _ method: String,
        _ path: String,
        body: [UInt8]? = nil,
        isCharged: Bool = true,
        model: String
    ) async throws(CollabError) -> JSONValue {
        try await send(method, path, body: body, isCharged: isCharged, model: model) {
            (head, bytes) throws(RemoteProblem) in
            if let json = try? JSONValue(parsing: bytes, policy: .wire) {
                guard let complaint = ServerComplaint(json) else { return json }
                throw .assembly(head, .complaint(complaint))
            }
            throw .noStream(head, String(decoding: bytes.prefix(400), as: UTF8.self))
        }
    }

    /// Sends a request whose answer does not matter as long as it is no error.
    ///
    /// - Parameter model: the model to name in errors.
    func send(_ method: String, _ path: String, body: [UInt8]? = nil, model: String) async throws(CollabError)
    {
        try await send(method, path, body: body, isCharged: true, model: model) {
            (_, _) throws(RemoteProblem) in
        }
    }

    private func send<Answer: Sendable>(
        _ method: String,
        _ path: String,
        body: [UInt8]?,
        isCharged: Bool,
        model: String,
        reading: @escaping @Sendable (ResponseHead, [UInt8]) throws(RemoteProblem) -> Answer
    ) async throws(CollabError) -> Answer {
        guard let guardian else {
            return try await sendOnce(
                method,
                path,
                body: body,
                isCharged: isCharged,
                model: model,
                reading: reading
            )
        }
        return try await GuardedRequests.send(body: body, through: guardian) {
            () async throws(CollabError) -> Answer in
            try await sendOnce(method, path, body: body, isCharged: isCharged, model: model, reading: reading)
        }
    }

    private func sendOnce<Answer: Sendable>(
        _ method: String,
        _ path: String,
        body: [UInt8]?,
        isCharged: Bool,
        model: String,
        reading: (ResponseHead, [UInt8]) throws(RemoteProblem) -> Answer
    ) async throws(CollabError) -> Answer {
        let (wire, redactor, _) = try await request(method, path, body: body)
        let transport = try transport()
        let problem: RemoteProblem
        do throws(RemoteProblem) {
            let (head, bytes) = try await fetch(wire, over: transport)
            return try reading(head, bytes)
        } catch {
            problem = error
        }
        if problem.isCancellation || Task.isCancelled { throw .cancelled }
        var failure = problem.failure
        failure.requestID = failure.requestID.map(redactor.scrub)
        if method == "GET" || !isCharged { failure.isPossiblyBilled = false }
        let message = problem.message(server: "\(base)", model: model, scrub: redactor.scrub)
        throw CollabError(failure.kind.code, redactor.scrub(message), cause: failure)
    }

    private func fetch(
        _ wire: HTTPRequest,
        over transport: Transport
    ) async throws(RemoteProblem) -> (ResponseHead, [UInt8]) {
        let exchange: Exchange
        do throws(TransportError) { exchange = try await transport.open(wire) } catch {
            throw .transport(error)
        }
        guard (200..<300).contains(exchange.head.status) else { throw await RemoteProblem.refusal(exchange) }
        do throws(TransportError) {
            return (exchange.head, try await exchange.body(upTo: settings.maximumResponseBytes))
        } catch {
            throw .transport(error)
        }
    }
}
