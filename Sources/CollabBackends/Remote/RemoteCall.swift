internal import Collab

/// One call to a server, from the request to the response.
struct RemoteCall {
    private let model: RemoteModel
    private let request: Request
    private let redactor: Redactor
    private let keys: [String]
    private let eventLimit: Int
    private let dialect: Dialect

    init(model: RemoteModel, request: Request, redactor: Redactor, keys: [String]) {
        self.model = model
        self.request = request
        self.redactor = redactor
        self.keys = keys
        dialect = model.server.dialect
        // A whole vocabulary's alternatives need a hundred bytes each.
        eventLimit = max(model.settings.maximumEventBytes, min(request.options.alternatives, 1 << 24) * 400)
    }

    func perform(
        _ wire: HTTPRequest,
        over transport: Transport,
        into sink: ResponseSink
    ) async throws(CollabError) -> Response {
        let options = request.options
        var assembly = AnswerAssembly(
            alternatives: options.alternatives,
            maximumTokens: options.maximumTokens,
            dialect: dialect
        )
        var exchange: Exchange?
        do throws(RemoteProblem) {
            let opened = try await open(wire, over: transport)
            exchange = opened
            try await read(opened, into: &assembly, sink: sink)
            opened.leave()
        } catch {
            exchange?.cancel()
            if Task.isCancelled { throw cancelled(exchange, error, assembly, wire) }
            // After the terminal signal nothing that goes wrong changes the answer.
            if !(assembly.isComplete && error.isTransport) {
                throw self.error(error, assembly: assembly, promptBytes: wire.body?.count ?? 0)
            }
        }
        if Task.isCancelled { throw cancelled(exchange, .cancelled, assembly, wire) }
        if assembly.droppedTokens {
            Run.note("logprobs", "dropped, since the server sent some that are no log-probabilities")
        }
        if assembly.usage == nil { Run.note("usage", "estimated, since the server sent none") }
        return response(assembly, promptBytes: wire.body?.count ?? 0)
    }

    private func response(_ assembly: AnswerAssembly, promptBytes: Int) -> Response {
        let response = assembly.response(model: model.name, promptBytes: promptBytes, price: model.price)
        QuotedKeys.look(for: keys, in: response)
        return response
    }

    /// What had come of an answer when the call failed, as an error may hold it.
    private func partial(_ assembly: AnswerAssembly, promptBytes: Int) -> Response {
        response(assembly, promptBytes: promptBytes).withoutQuotedKeys
    }

    // MARK: Reading

    private func open(
        _ wire: HTTPRequest,
        over transport: Transport
    ) async throws(RemoteProblem) -> Exchange {
        let exchange: Exchange
        do throws(TransportError) { exchange = try await transport.open(wire) } catch {
            throw .transport(error)
        }
        exchange.head.allowance?.report()
        if (200..<300).contains(exchange.head.status) { return exchange }
        throw await RemoteProblem.refusal(exchange)
    }

    private func read(
        _ exchange: Exchange,
        into assembly: inout AnswerAssembly,
        sink: ResponseSink
    ) async throws(RemoteProblem) {
        let framing = dialect.coding.framing
        var beginning = BodyBeginning(expecting: framing)
        var parser = EventFraming(framing, maximumLength: eventLimit)
        while let bytes = try await next(of: exchange) {
            var piece = bytes
            switch beginning.consume(bytes) {
            case .undecided: continue
            case .stream(let held): if let held { piece = held }
            case .json(let held): return try await readWhole(exchange, held, into: &assembly, sink: sink)
            case .markup: throw .noStream(exchange.head, beginning.excerpt)
            }
            let events: [EventFraming.Event]
            do throws(CollabError) { events = try parser.consume(piece) } catch {
                throw .assembly(exchange.head, .malformed(error.message))
            }
            for event in events {
                exchange.progress()
                try await take(event, of: exchange, into: &assembly, sink: sink)
                if assembly.isDone { return }
            }
        }
        // The standard drops an event without its blank line; if it is whole, it is worth having.
        if let last = (try? parser.end()) ?? nil, !assembly.isComplete, JSONValue.isWhole(last.data) {
            try await take(last, of: exchange, into: &assembly, sink: sink)
        }
        if assembly.isComplete { return }
        throw assembly.chunks == 0 && assembly.usage == nil && !beginning.looksLikeStream
            ? .noStream(exchange.head, beginning.excerpt) : .truncated(exchange.head)
    }

    private func next(of exchange: Exchange) async throws(RemoteProblem) -> [UInt8]? {
        do throws(TransportError) { return try await exchange.next() } catch { throw .transport(error) }
    }

    private func take(
        _ event: EventFraming.Event,
        of exchange: Exchange,
        into assembly: inout AnswerAssembly,
        sink: ResponseSink
    ) async throws(RemoteProblem) {
        let text: String
        do throws(AnswerAssembly.Problem) {
            text = try assembly.consume(event.data, type: event.type)
        } catch {
            throw .assembly(exchange.head, error)
        }
        try await send(text, to: sink)
    }

    private func send(_ text: String, to sink: ResponseSink) async throws(RemoteProblem) {
        await sink.send(text)
        if Task.isCancelled { throw .cancelled }
    }

    /// A server that answers with JSON although a stream was asked for.
    private func readWhole(
        _ exchange: Exchange,
        _ beginning: [UInt8],
        into assembly: inout AnswerAssembly,
        sink: ResponseSink
    ) async throws(RemoteProblem) {
        var body = beginning
        while let bytes = try await next(of: exchange) {
            exchange.progress()
            body += bytes
        }
        let text: String
        do throws(AnswerAssembly.Problem) {
            text = try assembly.consumeWhole(body)
        } catch {
            throw .assembly(exchange.head, error)
        }
        try await send(text, to: sink)
    }

    // MARK: Errors

    /// The error of a call that was left: what it had cost by then is known no better than after a failure.
    private func cancelled(
        _ exchange: Exchange?,
        _ problem: RemoteProblem,
        _ assembly: AnswerAssembly,
        _ wire: HTTPRequest
    ) -> CollabError {
        var failure = RemoteFailure(.interrupted)
        failure.isPossiblyBilled = exchange != nil || problem.failure.isPossiblyBilled
        if failure.isPossiblyBilled {
            failure.partial = partial(assembly, promptBytes: wire.body?.count ?? 0)
            failure.isUsageEstimated = assembly.usage == nil
        }
        var error = CollabError.cancelled
        error.cause = failure
        return error
    }

    private func error(
        _ problem: RemoteProblem,
        assembly: AnswerAssembly,
        promptBytes: Int
    ) -> CollabError {
        if problem.isCancellation { return .cancelled }
        var failure = problem.failure
        if failure.isPossiblyBilled {
            failure.partial = partial(assembly, promptBytes: promptBytes)
            failure.isUsageEstimated = assembly.usage == nil
        }
        failure.requestID = failure.requestID.map(redactor.scrub)
        let message = problem.message(
            server: "\(model.endpoint.base)",
            model: model.model,
            scrub: redactor.scrub
        )
        return CollabError(failure.kind.code, redactor.scrub(message), cause: failure)
    }
}

extension JSONValue {
    /// Whether bytes are a whole JSON text, or the word that ends a stream.
    fileprivate static func isWhole(_ bytes: [UInt8]) -> Bool {
        String(decoding: bytes, as: UTF8.self).trimmingSpace() == "[DONE]"
            || (try? JSONValue(parsing: bytes, policy: .wire)) != nil
    }
}
