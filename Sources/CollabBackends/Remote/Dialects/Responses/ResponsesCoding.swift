internal import Collab

/// OpenAI's Responses. Nothing is kept by the server (`store` is false) unless the extra fields say otherwise.
///
/// There are no stop sequences and no seeds; texts to be continued belong to completions.
struct ResponsesCoding: DialectCoding {
    let fixedFields: Set = ["model", "input", "stream"]

    func path(for request: Request) -> String { "responses" }

    func body(for request: Request, _ context: RequestContext) throws(CollabError) -> JSONObject {
        guard case .dialogue(let messages) = request.input else {
            throw context.unsupported("text to be continued; ask it a question, or use chat completions")
        }
        let options = request.options
        if !options.stopSequences.isEmpty { throw context.unsupported("stop sequences") }
        var body = JSONObject()
        body["model"] = .string(context.model)
        for message in messages where message.role == .tool {
            try context.checkPlain(message, of: "results of tools")
        }
        var input: [JSONValue] = []
        for message in messages { input += try Self.items(message) }
        body["input"] = .array(input)
        body["stream"] = .bool(true)
        body["store"] = .bool(false)
        if let limit = options.maximumTokens { body[context.server.tokenLimitField] = .integer(Int64(limit)) }
        try context.addSampling(of: request, to: &body)
        var extra: [JSONValue] = []
        if let count = try context.alternatives(of: request) {
            extra.append("message.output_text.logprobs")
            body["top_logprobs"] = .integer(Int64(count))
        }
        if context.server.encryptsThinking { extra.append("reasoning.encrypted_content") }
        if !extra.isEmpty { body["include"] = .array(extra) }
        return body
    }

    func makeDecoder(alternatives: Int) -> any AnswerDecoder { ResponsesDecoder(alternatives: alternatives) }

    /// A turn's items: a message, and each tool call or result by itself.
    private static func items(_ message: Message) throws(CollabError) -> [JSONValue] {
        if message.role == .tool {
            return [
                [
                    "type": "function_call_output", "call_id": .string(message.toolCallID ?? ""),
                    "output": .string(message.text),
                ]
            ]
        }
        var items = try message.thinking(of: .responses, before: 0)
        if !message.text.isEmpty || !message.attachments.isEmpty {
            items.append([
                "type": "message", "role": .string(message.role.rawValue), "content": content(message),
            ])
        }
        for (index, call) in message.toolCalls.enumerated() {
            items.append([
                "type": "function_call", "call_id": .string(call.id), "name": .string(call.name),
                "arguments": .string(call.arguments),
            ])
            items += try message.thinking(of: .responses, before: index + 1)
        }
        return items
    }

    private static func content(_ message: Message) -> JSONValue {
        if message.attachments.isEmpty { return .string(message.text) }
        var parts = message.attachments.map(part)
        if !message.text.isEmpty {
            let type = message.role == .assistant ? "output_text" : "input_text"
            parts.append(["type": .string(type), "text": .string(message.text)])
        }
        return .array(parts)
    }

    private static func part(_ attachment: Attachment) -> JSONValue {
        switch attachment {
        case .imageAddress(let address):
            ["type": "input_image", "image_url": .string(address)]
        case .image(let bytes, let mediaType):
            [
                "type": "input_image",
                "image_url": .string(Attachment.dataAddress(bytes, mediaType: mediaType)),
            ]
        case .file(let bytes, let mediaType, let name):
            [
                "type": "input_file", "filename": .string(name),
                "file_data": .string(Attachment.dataAddress(bytes, mediaType: mediaType)),
            ]
        }
    }
}
