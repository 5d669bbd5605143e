internal import Collab

/// OpenAI's chat completions and completions, and what other servers have added to them.
struct ChatCompletionsCoding: DialectCoding {
    let fixedFields: Set = ["model", "messages", "prompt", "stream", "stream_options"]

    func path(for request: Request) -> String {
        switch request.input {
        case .dialogue: "chat/completions"
        case .completion: "completions"
        }
    }

    func body(for request: Request, _ context: RequestContext) throws(CollabError) -> JSONObject {
        var body = JSONObject()
        body["model"] = .string(context.model)
        switch request.input {
        case .dialogue(let messages): body["messages"] = .array(messages.map(Self.message))
        case .completion(let text): body["prompt"] = .string(text)
        }
        body["stream"] = .bool(true)
        body["stream_options"] = .object(["include_usage": .bool(true)])
        let options = request.options
        if let limit = options.maximumTokens { body[context.server.tokenLimitField] = .integer(Int64(limit)) }
        if !options.stopSequences.isEmpty { body["stop"] = .array(options.stopSequences.map { .string($0) }) }
        try context.addSampling(of: request, to: &body)
        if let count = try context.alternatives(of: request) {
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
        return body
    }

    func makeDecoder(alternatives: Int) -> any AnswerDecoder {
        ChatCompletionsDecoder(alternatives: alternatives)
    }

    private static func message(_ message: Message) -> JSONValue {
        var value: JSONObject = ["role": .string(message.role.rawValue), "content": content(message)]
        if !message.toolCalls.isEmpty { value["tool_calls"] = .array(message.toolCalls.map(toolCall)) }
        if let id = message.toolCallID { value["tool_call_id"] = .string(id) }
        return .object(value)
    }

    private static func content(_ message: Message) -> JSONValue {
        if message.attachments.isEmpty {
            return message.text.isEmpty && !message.toolCalls.isEmpty ? .null : .string(message.text)
        }
        var parts = message.attachments.map(part)
        if !message.text.isEmpty { parts.append(["type": "text", "text": .string(message.text)]) }
        return .array(parts)
    }

    private static func part(_ attachment: Attachment) -> JSONValue {
        switch attachment {
        case .imageAddress(let address):
            ["type": "image_url", "image_url": ["url": .string(address)]]
        case .image(let bytes, let mediaType):
            [
                "type": "image_url",
                "image_url": ["url": .string(Attachment.dataAddress(bytes, mediaType: mediaType))],
            ]
        case .file(let bytes, let mediaType, let name):
            [
                "type": "file",
                "file": [
                    "filename": .string(name),
                    "file_data": .string(Attachment.dataAddress(bytes, mediaType: mediaType)),
                ],
            ]
        }
    }

    private static func toolCall(_ call: ToolCall) -> JSONValue {
        [
            "id": .string(call.id), "type": "function",
            "function": ["name": .string(call.name), "arguments": .string(call.arguments)],
        ]
    }
}
