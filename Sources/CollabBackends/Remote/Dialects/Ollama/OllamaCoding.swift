internal import Collab

/// Ollama's own protocol: a JSON text a line, options in an object of their own.
///
/// Dialogues go to `api/chat`, texts to be continued go to `api/generate` as they stand.
struct OllamaCoding: DialectCoding {
    let fixedFields: Set = ["model", "messages", "prompt", "raw", "stream"]
    let framing = EventFraming.Kind.jsonLines
    let listPath = "api/tags"
    var embedding: (any EmbeddingCoding)? { OllamaEmbeddingCoding() }

    func path(for request: Request) -> String {
        switch request.input {
        case .dialogue: "api/chat"
        case .completion: "api/generate"
        }
    }

    func body(for request: Request, _ context: RequestContext) throws(CollabError) -> JSONObject {
        var body = JSONObject()
        body["model"] = .string(context.model)
        switch request.input {
        case .dialogue(let messages):
            var turns: [JSONValue] = []
            var waiting: [ToolCall] = []
            for message in messages {
                var turn = try Self.turn(message, context)
                if message.role == .tool, let name = Self.takeName(of: message, from: &waiting) {
                    turn["tool_name"] = .string(name)
                }
                waiting += message.toolCalls
                turns.append(.object(turn))
            }
            body["messages"] = .array(turns)
        case .completion(let text):
            body["prompt"] = .string(text)
            body["raw"] = .bool(true)
        }
        body["stream"] = .bool(true)
        var options = JSONObject()
        if let limit = request.options.maximumTokens {
            options[context.server.tokenLimitField] = .integer(Int64(limit))
        }
        if !request.options.stopSequences.isEmpty {
            options["stop"] = .array(request.options.stopSequences.map { .string($0) })
        }
        try context.addSampling(of: request, to: &options)
        if !options.isEmpty { body["options"] = .object(options) }
        if let count = try context.alternatives(of: request) {
            body["logprobs"] = .bool(true)
            if count > 0 { body["top_logprobs"] = .integer(Int64(count)) }
        }
        return body
    }

    func makeDecoder(alternatives: Int) -> any AnswerDecoder { OllamaDecoder(alternatives: alternatives) }

    private static func turn(_ message: Message, _ context: RequestContext) throws(CollabError) -> JSONObject
    {
        var turn: JSONObject = ["role": .string(message.role.rawValue), "content": .string(message.text)]
        var images: [JSONValue] = []
        for attachment in message.attachments {
            guard case .image(let bytes, _) = attachment else {
                throw context.unsupported("addresses of images and no files; send the image's bytes")
            }
            images.append(.string(Attachment.base64(bytes)))
        }
        if !images.isEmpty { turn["images"] = .array(images) }
        if !message.toolCalls.isEmpty {
            var calls: [JSONValue] = []
            for call in message.toolCalls {
                let arguments = try context.arguments(of: call)
                calls.append(["function": ["name": .string(call.name), "arguments": .object(arguments)]])
            }
            turn["tool_calls"] = .array(calls)
        }
        return turn
    }

    /// The name of the tool whose result a message is. Older versions of the server give calls no identifiers; there
    /// the results come in the order of the calls.
    private static func takeName(of message: Message, from waiting: inout [ToolCall]) -> String? {
        guard let place = waiting.firstIndex(where: { $0.id == message.toolCallID ?? "" }) else { return nil }
        return waiting.remove(at: place).name
    }
}
