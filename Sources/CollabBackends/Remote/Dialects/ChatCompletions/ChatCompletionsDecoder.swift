internal import Collab

/// Understands the chunks of chat completions and completions.
struct ChatCompletionsDecoder: AnswerDecoder {
    let alternatives: Int

    mutating func decode(_ chunk: JSONValue, type: String) throws(AnswerAssembly.Problem) -> AnswerUpdate {
        // Chunks without choices carry the usage, or nothing; of several choices only the first was asked for.
        let choice = chunk["choices"]?.arrayValue?.first { ($0["index"]?.intValue ?? 0) == 0 }
        var update = choice.map { self.update(of: $0, message: $0["delta"]) } ?? AnswerUpdate()
        update.usage = Self.usage(chunk["usage"])
        return update
    }

    mutating func decodeWhole(_ answer: JSONValue) throws(AnswerAssembly.Problem) -> AnswerUpdate {
        guard let choice = answer["choices"]?.arrayValue?.first else {
            throw .malformed("the answer has no choices")
        }
        let message = choice["message"]
        let hasText = Self.text(message?["content"] ?? choice["text"]) != nil
        let hasToolCalls = message?["tool_calls"]?.arrayValue?.isEmpty == false
        let hasRefusal = message?["refusal"]?.stringValue != nil
        if !hasText, !hasToolCalls, !hasRefusal { throw .malformed("the answer has no text") }
        var update = self.update(of: choice, message: message)
        update.usage = Self.usage(answer["usage"])
        return update
    }

    private func update(of choice: JSONValue, message: JSONValue?) -> AnswerUpdate {
        var update = AnswerUpdate()
        if let reason = choice["finish_reason"]?.stringValue {
            update.finish = reason
            update.ending = Self.ending(reason)
        }
        if let logprobs = choice["logprobs"], !logprobs.isNull {
            if var tokens = TokenReport.tokens(logprobs, alternatives: alternatives) {
                Self.number(&tokens, by: choice["token_ids"])
                update.tokens = .some(tokens)
            } else {
                update.tokens = .broken
            }
        }
        update.text = Self.text(message?["content"] ?? choice["text"]) ?? ""
        // What DeepSeek began and vLLM and llama.cpp follow, and what OpenRouter and newer vLLM call it.
        update.thinking =
            message?["reasoning_content"]?.stringValue ?? message?["reasoning"]?.stringValue ?? ""
        update.refusal = message?["refusal"]?.stringValue ?? ""
        for (place, call) in (message?["tool_calls"]?.arrayValue ?? []).enumerated() {
            update.toolCalls.append(
                AnswerUpdate.ToolCallPiece(
                    place: call["index"]?.intValue ?? place,
                    id: call["id"]?.stringValue,
                    name: call["function"]?["name"]?.stringValue,
                    arguments: call["function"]?["arguments"]?.stringValue ?? ""
                )
            )
        }
        return update
    }

    /// vLLM tells the ids beside the report, if asked.
    private static func number(_ tokens: inout [GeneratedToken], by ids: JSONValue?) {
        guard let ids = ids?.arrayValue, ids.count == tokens.count else { return }
        for (index, id) in ids.enumerated() where tokens[index].id == nil {
            tokens[index].id = id.intValue.flatMap { TokenID(exactly: $0) }
        }
    }

    /// Content is text, or an array of parts with texts.
    private static func text(_ content: JSONValue?) -> String? {
        if let text = content?.stringValue { return text }
        return content?.arrayValue?.compactMap { $0["text"]?.stringValue }.joined()
    }

    private static func ending(_ reason: String) -> Response.Ending {
        switch reason {
        case "stop": .finished
        case "length": .tokenLimit
        case "content_filter": .filtered
        case "tool_calls", "function_call": .toolCalls
        default: .other(reason)
        }
    }

    /// What an answer's `usage` says; `nil` if it is missing or makes no sense.
    static func usage(_ json: JSONValue?) -> Usage? {
        guard let json, let prompt = json["prompt_tokens"]?.tokenCount else { return nil }
        let cached = json["prompt_tokens_details"]?["cached_tokens"]?.tokenCount ?? 0
        let reasoning = json["completion_tokens_details"]?["reasoning_tokens"]?.tokenCount ?? 0
        guard json["completion_tokens"]?.intValue.map({ $0 >= 0 && $0 < 1 << 40 }) ?? true else { return nil }
        let completion = json["completion_tokens"]?.tokenCount ?? 0
        return Usage(
            promptTokens: prompt,
            cachedTokens: min(cached, prompt),
            completionTokens: completion,
            reasoningTokens: min(reasoning, completion)
        )
    }
}
