internal import Collab

/// Understands the events of Anthropic's Messages.
///
/// The prompt's tokens come at the beginning, split into fresh, written to the cache, and read from it; those of the
/// answer come at the end. Blocks of text, thinking and tool calls are told apart by their places. Blocks of thinking
/// are kept whole besides, with their signatures: the server wants them back beside the results of tools.
struct AnthropicDecoder: AnswerDecoder {
    private var prompt = Usage()
    private var hasPrompt = false
    /// Blocks of thinking that have begun, by their places, and the tool calls before each.
    private var open: [Int: (block: JSONObject, toolCallsBefore: Int)] = [:]
    private var toolCalls = 0

    mutating func decode(_ event: JSONValue, type: String) throws(AnswerAssembly.Problem) -> AnswerUpdate {
        var update = AnswerUpdate()
        switch event["type"]?.stringValue ?? type {
        case "message_start":
            readPrompt(event["message"]?["usage"])
            update.promptTokens = hasPrompt ? prompt.promptTokens : nil
        case "content_block_start":
            if let block = event["content_block"] {
                add(block, place: event["index"], to: &update)
                if block.isThinking, let object = block.objectValue {
                    open[event["index"]?.intValue ?? 0] = (object, toolCalls)
                }
            }
        case "content_block_delta":
            let delta = event["delta"]
            update.text = delta?["text"]?.stringValue ?? ""
            update.thinking = delta?["thinking"]?.stringValue ?? ""
            extend(at: event["index"]?.intValue ?? 0, by: delta)
            if let arguments = delta?["partial_json"]?.stringValue {
                update.toolCalls = [.init(place: event["index"]?.intValue ?? 0, arguments: arguments)]
            }
        case "content_block_stop":
            if let (block, before) = open.removeValue(forKey: event["index"]?.intValue ?? 0) {
                update.thinkingBlocks.append(Self.thinkingBlock(block, before))
            }
        case "message_delta":
            readEnd(event["delta"], to: &update)
            update.usage = usage(event["usage"])
        case "message_stop":
            update.isDone = true
        default:
            // Pings, and what future versions add.
            break
        }
        return update
    }

    mutating func decodeWhole(_ answer: JSONValue) throws(AnswerAssembly.Problem) -> AnswerUpdate {
        guard let blocks = answer["content"]?.arrayValue else {
            throw .malformed("the answer has no content")
        }
        var update = AnswerUpdate()
        for (place, block) in blocks.enumerated() {
            add(block, place: .integer(Int64(place)), to: &update)
            if block.isThinking, let object = block.objectValue {
                update.thinkingBlocks.append(Self.thinkingBlock(object, toolCalls))
            }
        }
        readEnd(answer, to: &update)
        readPrompt(answer["usage"])
        update.usage = usage(answer["usage"])
        return update
    }

    private static func thinkingBlock(_ block: JSONObject, _ toolCallsBefore: Int) -> ThinkingBlock {
        ThinkingBlock(
            block,
            text: block["thinking"]?.stringValue ?? "",
            of: .anthropicMessages,
            toolCallsBefore: toolCallsBefore
        )
    }

    /// Adds to a block of thinking that is under way: words, or its signature.
    private mutating func extend(at place: Int, by delta: JSONValue?) {
        guard open[place] != nil else { return }
        for field in ["thinking", "signature", "data"] {
            guard let more = delta?[field]?.stringValue else { continue }
            let known = open[place]?.block[field]?.stringValue ?? ""
            open[place]?.block[field] = .string(known + more)
        }
    }

    private mutating func add(_ block: JSONValue, place: JSONValue?, to update: inout AnswerUpdate) {
        update.text += block["text"]?.stringValue ?? ""
        update.thinking += block["thinking"]?.stringValue ?? ""
        guard block["type"]?.stringValue == "tool_use" else { return }
        toolCalls += 1
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

extension JSONValue {
    /// Whether a block of content is thinking, readable or not.
    fileprivate var isThinking: Bool {
        ["thinking", "redacted_thinking"].contains(self["type"]?.stringValue)
    }
}
