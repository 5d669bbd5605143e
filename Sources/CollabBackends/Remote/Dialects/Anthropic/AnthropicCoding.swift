internal import Collab

/// Anthropic's Messages, version 2023-06-01.
///
/// Standing instructions stand apart from the turns; a limit of tokens is required; results of tools are parts of a
/// user's turn; there are no seeds and no log-probabilities.
struct AnthropicCoding: DialectCoding {
    let fixedFields: Set = ["model", "messages", "system", "stream"]
    let keyField = RemoteSettings.KeyField.field("x-api-key")
    let fields = ["anthropic-version": "2023-06-01"]
    // A page holds 20 unless more are asked for.
    let listPath = "models?limit=1000"
    var embedding: (any EmbeddingCoding)? { nil }

    /// The limit of tokens where a request sets none.
    static let defaultMaximumTokens = 4096

    func path(for request: Request) -> String { "messages" }

    func body(for request: Request, _ context: RequestContext) throws(CollabError) -> JSONObject {
        guard case .dialogue(let messages) = request.input else {
            throw context.unsupported("text to be continued; ask it a question instead")
        }
        var body = JSONObject()
        body["model"] = .string(context.model)
        var instructions: [String] = []
        for message in messages where message.role == .system {
            try context.checkPlain(message, of: "standing instructions")
            instructions.append(message.text)
        }
        if !instructions.isEmpty { body["system"] = .string(instructions.joined(separator: "\n\n")) }
        var turns: [JSONValue] = []
        for message in messages where message.role != .system {
            turns.append(try Self.turn(message, context))
        }
        body["messages"] = .array(turns)
        body["stream"] = .bool(true)
        let options = request.options
        let limit = options.maximumTokens ?? Self.defaultMaximumTokens
        body[context.server.tokenLimitField] = .integer(Int64(limit))
        if !options.stopSequences.isEmpty {
            body["stop_sequences"] = .array(options.stopSequences.map { .string($0) })
        }
        if context.server.takesSampling, options.sampling.temperature > 1 {
            throw context.unsupported(
                "temperature above 1; the request asks for \(options.sampling.temperature)"
            )
        }
        try context.addSampling(of: request, to: &body)
        _ = try context.alternatives(of: request)
        return body
    }

    func makeDecoder(alternatives: Int) -> any AnswerDecoder { AnthropicDecoder() }

    private static func turn(_ message: Message, _ context: RequestContext) throws(CollabError) -> JSONValue {
        if message.role == .tool {
            try context.checkPlain(message, of: "results of tools")
            let result: JSONValue = [
                "type": "tool_result", "tool_use_id": .string(message.toolCallID ?? ""),
                "content": .string(message.text),
            ]
            return ["role": "user", "content": [result]]
        }
        let role = JSONValue.string(message.role.rawValue)
        var parts = try message.thinking(of: .anthropicMessages, before: 0)
        if message.isPlainText, parts.isEmpty { return ["role": role, "content": .string(message.text)] }
        parts += message.attachments.map(part)
        if !message.text.isEmpty { parts.append(["type": "text", "text": .string(message.text)]) }
        for (index, call) in message.toolCalls.enumerated() {
            parts.append([
                "type": "tool_use", "id": .string(call.id), "name": .string(call.name),
                "input": .object(try context.arguments(of: call)),
            ])
            parts += try message.thinking(of: .anthropicMessages, before: index + 1)
        }
        return ["role": role, "content": .array(parts)]
    }

    private static func part(_ attachment: Attachment) -> JSONValue {
        func source(_ bytes: [UInt8], _ mediaType: String) -> JSONValue {
            [
                "type": "base64", "media_type": .string(mediaType),
                "data": .string(Attachment.base64(bytes)),
            ]
        }
        switch attachment {
        case .imageAddress(let address):
            return ["type": "image", "source": ["type": "url", "url": .string(address)]]
        case .image(let bytes, let mediaType):
            return ["type": "image", "source": source(bytes, mediaType)]
        case .file(let bytes, let mediaType, let name):
            return ["type": "document", "title": .string(name), "source": source(bytes, mediaType)]
        }
    }
}
