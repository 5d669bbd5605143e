internal import Collab

/// Understands the events of Anthropic's Messages.
///
/// The prompt's tokens come at the beginning, split into fresh, written to the cache, and read from it; those of the
/// answer come at the end. Blocks of text, thinking and tool calls are told apart by their places.
struct AnthropicDecoder: AnswerDecoder {
    private var prompt = Usage()
    private var hasPrompt = false

    mutating func decode(_ event: JSONValue, type: String) throws(AnswerAssembly.Problem) -> AnswerUpdate {
        var update = AnswerUpdate()
        switch event["type"]?.stringValue ?? type {
        case "message_start":
            readPrompt(event["message"]?["usage"])
            update.promptTokens = hasPrompt ? prompt.promptTokens : nil
        case "content_block_start":
            if let block = event["content_block"] { add(block, place: event["index"], to: &update) }
        case "content_block_delta":
            let delta = event["delta"]
            update.text = delta?["text"]?.stringValue ?? ""
            update.thinking = delta?["thinking"]?.stringValue ?? ""
            if let arguments = delta?["partial_json"]?.stringValue {
                update.toolCalls = [.init(place: event["index"]?.intValue ?? 0, arguments: arguments)]
            }
        case "message_delta":
            readEnd(event["delta"], to: &update)
            update.usage = usage(event["usage"])
        case "message_stop":
            update.isDone = true
        default:
            // Pings, ends of blocks, and what future versions add.
            break
        }
        return update
    }

    mutating func decodeWhole(_ answer: JSONValue) throws(AnswerAssembly.Problem) -> AnswerUpdate {
        guard let blocks = answer["content"]?.arrayValue else {
            throw .malformed("the answer has no content")
        }
        var update = AnswerUpdate()
        for (place, block) in blocks.enumerated() { add(block, place: .integer(Int64(place)), to: &update) }
        readEnd(answer, to: &update)
        readPrompt(answer["usage"])
        update.usage = usage(answer["usage"])
        return update
    }

    private func add(_ block: JSONValue, place: JSONValue?, to update: inout AnswerUpdate) {
        update.text += block["text"]?.stringValue ?? ""
        update.thinking += block["thinking"]?.stringValue ?? ""
        guard block["type"]?.stringValue == "tool_use" else { return }
        var piece = AnswerUpdate.ToolCallPiece(place: place?.intValue ?? 0)
        piece.id = block["id"]?.stringValue
        piece.name = block["name"]?.stringValue
        // A stream begins with an empty object and sends the arguments as pieces of text.
        if let input = block["input"]?.objectValue, !input.isEmpty {
            piece.wholeArguments = String(decoding: JSONValue.object(input).encoded(), as: UTF8.self)
        }
        update.toolCalls.append(piece)
    }

    private func readEnd(_ end: JSONValue?, to update: inout AnswerUpdate) {
        guard let reason = end?["stop_reason"]?.stringValue else { return }
        update.finish = reason
        update.ending =
            switch reason {
            case "end_turn", "stop_sequence": .finished
            case "max_tokens", "model_context_window_exceeded": .tokenLimit
            case "tool_use": .toolCalls
            case "refusal": .refused
            default: .other(reason)
            }
    }

    private mutating func readPrompt(_ usage: JSONValue?) {
        guard let fresh = usage?["input_tokens"]?.tokenCount else { return }
        hasPrompt = true
        prompt.cachedTokens = usage?["cache_read_input_tokens"]?.tokenCount ?? 0
        prompt.cacheWriteTokens = usage?["cache_creation_input_tokens"]?.tokenCount ?? 0
        prompt.promptTokens = fresh + prompt.cachedTokens + prompt.cacheWriteTokens
    }

    private mutating func usage(_ json: JSONValue?) -> Usage? {
        // Newer versions repeat the prompt's tokens at the end; these are the final ones.
        readPrompt(json)
        guard hasPrompt, let written = json?["output_tokens"]?.tokenCount else { return nil }
        var usage = prompt
        usage.completionTokens = written
        return usage
    }
}
