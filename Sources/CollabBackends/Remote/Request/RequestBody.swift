internal import Collab

/// Writes the body of a call to `/chat/completions` or `/completions`.
struct RequestBody {
    let model: String
    let server: ServerKind
    let settings: RemoteSettings

    /// The path that a request goes to.
    static func path(for request: Request) -> String {
        switch request.input {
        case .dialogue: "chat/completions"
        case .completion: "completions"
        }
    }

    /// The body as JSON.
    ///
    /// The answer is always streamed, even to callers that want it whole: only then does a server stop working when
    /// the connection is closed, and only then is there something to show for an answer that breaks off.
    ///
    /// Throws ``Collab/CollabError/Code/unsupported`` for an option that the server has no field for.
    func make(for request: Request) throws(CollabError) -> JSONObject {
        var body = JSONObject()
        body["model"] = .string(model)
        switch request.input {
        case .dialogue(let messages):
            body["messages"] = .array(messages.map(Self.message))
        case .completion(let text):
            body["prompt"] = .string(text)
        }
        body["stream"] = .bool(true)
        body["stream_options"] = .object(["include_usage": .bool(true)])
        try addOptions(of: request, to: &body)
        try addLogprobs(for: request, to: &body)
        for extra in settings.extras {
            if body[extra.key] != nil, Self.fixed.contains(extra.key) {
                throw CollabError(
                    .invalidRequest,
                    "The extra field “\(extra.key)” would replace one that is needed."
                )
            }
            body[extra.key] = extra.value
        }
        return body
    }

    private static let fixed: Set = ["model", "messages", "prompt", "stream", "stream_options"]

    private static func message(_ message: Message) -> JSONValue {
        .object(["role": .string(message.role.rawValue), "content": .string(message.text)])
    }

    private func addOptions(of request: Request, to body: inout JSONObject) throws(CollabError) {
        let options = request.options
        if let limit = options.maximumTokens { body[server.tokenLimitField] = .integer(Int64(limit)) }
        if !options.stopSequences.isEmpty { body["stop"] = .array(options.stopSequences.map { .string($0) }) }
        guard server.takesSampling else { return }
        let sampling = options.sampling
        body["temperature"] = .double(sampling.temperature)
        if sampling.topP < 1 { body["top_p"] = .double(sampling.topP) }
        if let topK = sampling.topK {
            body[try field(server.topKField, for: "topK")] = .integer(Int64(topK))
        }
        if sampling.minP > 0 { body[try field(server.minPField, for: "minP")] = .double(sampling.minP) }
        if sampling.repetitionPenalty != 1 {
            let name = try field(server.repetitionPenaltyField, for: "repetitionPenalty")
            body[name] = .double(sampling.repetitionPenalty)
            if let window = server.repetitionWindowField {
                body[window] = .integer(Int64(sampling.repetitionWindow))
            }
        }
        if let seed = seed(of: request) {
            body[try field(server.seedField, for: "seed")] = .integer(seed)
        }
    }

    private func field(_ name: String?, for option: String) throws(CollabError) -> String {
        guard let name else {
            throw CollabError(
                .unsupported,
                "\(server.name) has no field for \(option). Leave the option out, or name the server that “\(model)” runs on "
                    + "(server: .llamaCPP, .vLLM, or your own ServerKind)."
            )
        }
        return name
    }

    /// The seed to send: the request's own, or one from the run's seed where there is something to draw.
    ///
    /// Servers differ in how large a seed they take; 31 bits all of them do.
    private func seed(of request: Request) -> Int64? {
        if let seed = request.options.seed { return Int64(seed & 0x7fff_ffff) }
        guard request.options.sampling.temperature > 0, server.seedField != nil, let run = Run.current else {
            return nil
        }
        var generator = SeededGenerator(seed: run.seed &+ UInt64(truncatingIfNeeded: request.sample))
        return Int64(generator.next() & 0x7fff_ffff)
    }

    private func addLogprobs(for request: Request, to body: inout JSONObject) throws(CollabError) {
        let count = request.options.alternatives
        guard count > 0 || settings.reportsLogprobs else { return }
        if let most = server.maximumAlternatives, count > most {
            throw CollabError(
                .unsupported,
                "\(server.name) reports at most \(most) alternatives a token; the request asks for \(count)."
            )
        }
        // Some servers take 0 for “none at all”; one alternative is the chosen token or the one it was chosen over.
        let asked = JSONValue.integer(Int64(max(1, count)))
        switch request.input {
        case .dialogue:
            body["logprobs"] = .bool(true)
            body["top_logprobs"] = asked
        case .completion:
            body["logprobs"] = asked
        }
    }
}
