internal import Collab

/// Understands the events of OpenAI's Responses.
///
/// The text comes in pieces; the terminal event repeats all of it with the usage. A response that failed is a
/// complaint, although the server sends it with a good status.
struct ResponsesDecoder: AnswerDecoder {
    let alternatives: Int
    private var places: [String: Int] = [:]
    private var last: JSONValue?
    /// The places of the tool calls so far.
    private var calls: Set<Int> = []

    init(alternatives: Int) {
        self.alternatives = alternatives
    }

    mutating func decode(_ event: JSONValue, type: String) throws(AnswerAssembly.Problem) -> AnswerUpdate {
        var update = AnswerUpdate()
        // Events are numbered, so one that comes twice can be told from two that say the same.
        if event["sequence_number"] != nil {
            if event == last { return update }
            last = event
        }
        let name = event["type"]?.stringValue ?? type
        let delta = event["delta"]?.stringValue ?? ""
        switch name {
        case "response.output_text.delta":
            update.text = delta
            readLogprobs(event["logprobs"], to: &update)
        case "response.refusal.delta":
            update.refusal = delta
        case "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
            update.thinking = delta
        case "response.reasoning_summary_part.added":
            if event["summary_index"]?.intValue ?? 0 > 0 { update.thinking = "\n\n" }
        case "response.output_item.added", "response.output_item.done":
            // The item is whole at its end; its pieces in between are those of the arguments.
            if let item = event["item"], item["type"]?.stringValue == "function_call" {
                let place = place(of: event)
                calls.insert(place)
                update.toolCalls = [toolCall(item, place: place)]
            } else if name == "response.output_item.done", let block = thinkingBlock(event["item"]) {
                update.thinkingBlocks = [block]
            }
        case "response.function_call_arguments.delta":
            let place = place(of: event)
            update.toolCalls = [.init(place: place, arguments: delta)]
        case "response.completed", "response.incomplete", "response.failed", "response.cancelled":
            try readEnd(event["response"] ?? .null, to: &update)
        default:
            break
        }
        return update
    }

    mutating func decodeWhole(_ answer: JSONValue) throws(AnswerAssembly.Problem) -> AnswerUpdate {
        guard let items = answer["output"]?.arrayValue else { throw .malformed("the answer has no output") }
        var update = AnswerUpdate()
        for (place, item) in items.enumerated() {
            switch item["type"]?.stringValue {
            case "message":
                for part in item["content"]?.arrayValue ?? [] {
                    update.text += part["text"]?.stringValue ?? ""
                    update.refusal += part["refusal"]?.stringValue ?? ""
                    readLogprobs(part["logprobs"], to: &update)
                }
            case "function_call":
                calls.insert(place)
                update.toolCalls.append(toolCall(item, place: place))
            case "reasoning":
                let parts = (item["summary"]?.arrayValue ?? []) + (item["content"]?.arrayValue ?? [])
                update.thinking += parts.compactMap { $0["text"]?.stringValue }.joined(separator: "\n\n")
                if let block = thinkingBlock(item) { update.thinkingBlocks.append(block) }
            default: break
            }
        }
        try readEnd(answer, to: &update)
        return update
    }

    /// An item of thinking that can be sent back. The server keeps none, so only an encrypted one means anything to it.
    private func thinkingBlock(_ item: JSONValue?) -> ThinkingBlock? {
        guard var object = item?.objectValue, object["type"]?.stringValue == "reasoning",
            object["encrypted_content"]?.stringValue?.isEmpty == false
        else { return nil }
        // How the item came about is no part of an input.
        object["status"] = nil
        let parts = object["summary"]?.arrayValue ?? []
        let text = parts.compactMap { $0["text"]?.stringValue }.joined(separator: "\n\n")
        return ThinkingBlock(object, text: text, of: .responses, toolCallsBefore: calls.count)
    }

    /// The place of the item that an event is about. llama.cpp numbers no items; it names them, once by one name and
    /// once by another.
    private mutating func place(of event: JSONValue) -> Int {
        if let index = event["output_index"]?.intValue { return index }
        let names = [event["item_id"], event["item"]?["id"], event["item"]?["call_id"]].compactMap {
            $0?.stringValue
        }
        let place = names.compactMap { places[$0] }.first ?? (places.values.max() ?? -1) + 1
        for name in names { places[name] = place }
        return place
    }

    private func toolCall(_ item: JSONValue, place: Int) -> AnswerUpdate.ToolCallPiece {
        var piece = AnswerUpdate.ToolCallPiece(place: place)
        piece.id = item["call_id"]?.stringValue ?? item["id"]?.stringValue
        piece.name = item["name"]?.stringValue
        if let arguments = item["arguments"]?.stringValue, !arguments.isEmpty {
            piece.wholeArguments = arguments
        }
        return piece
    }

    private func readLogprobs(_ logprobs: JSONValue?, to update: inout AnswerUpdate) {
        guard let entries = logprobs?.arrayValue, !entries.isEmpty else { return }
        let report = JSONValue.object(["content": .array(entries)])
        guard let tokens = TokenReport.tokens(report, alternatives: alternatives) else {
            update.tokens = .broken
            return
        }
        if case .some(let earlier) = update.tokens {
            update.tokens = .some(earlier + tokens)
        } else {
            update.tokens = .some(tokens)
        }
    }

    private func readEnd(
        _ response: JSONValue,
        to update: inout AnswerUpdate
    ) throws(AnswerAssembly.Problem) {
        if let complaint = ServerComplaint(response) { throw .complaint(complaint) }
        update.isDone = true
        update.usage = usage(response["usage"])
        let status = response["status"]?.stringValue ?? "completed"
        let reason = response["incomplete_details"]?["reason"]?.stringValue
        update.finish = reason ?? status
        update.ending =
            switch (status, reason) {
            case ("completed", _): .finished
            case (_, "max_output_tokens"?): .tokenLimit
            case (_, "content_filter"?): .filtered
            default: .other(reason ?? status)
            }
    }

    private func usage(_ json: JSONValue?) -> Usage? {
        guard let json, let prompt = json["input_tokens"]?.tokenCount,
            let written = json["output_tokens"]?.tokenCount
        else { return nil }
        let cached = json["input_tokens_details"]?["cached_tokens"]?.tokenCount ?? 0
        let reasoning = json["output_tokens_details"]?["reasoning_tokens"]?.tokenCount ?? 0
        return Usage(
            promptTokens: prompt,
            cachedTokens: min(cached, prompt),
            completionTokens: written,
            reasoningTokens: min(reasoning, written)
        )
    }
}
