internal import Collab

/// Understands the lines of Ollama's chat and generate.
struct OllamaDecoder: AnswerDecoder {
    let alternatives: Int
    /// Tool calls come whole, several lines of them; Ollama numbers them only in newer versions.
    private var toolCallCount = 0

    init(alternatives: Int) {
        self.alternatives = alternatives
    }

    mutating func decode(_ line: JSONValue, type: String) throws(AnswerAssembly.Problem) -> AnswerUpdate {
        var update = AnswerUpdate()
        let message = line["message"]
        update.text = message?["content"]?.stringValue ?? line["response"]?.stringValue ?? ""
        update.thinking = message?["thinking"]?.stringValue ?? line["thinking"]?.stringValue ?? ""
        for call in message?["tool_calls"]?.arrayValue ?? [] {
            let function = call["function"]
            var piece = AnswerUpdate.ToolCallPiece(place: toolCallCount)
            toolCallCount += 1
            piece.id = call["id"]?.stringValue
            piece.name = function?["name"]?.stringValue
            if let arguments = function?["arguments"] {
                piece.wholeArguments =
                    arguments.stringValue ?? String(decoding: arguments.encoded(), as: UTF8.self)
            }
            update.toolCalls.append(piece)
        }
        if let logprobs = line["logprobs"]?.arrayValue {
            let report = JSONValue.object(["content": .array(logprobs)])
            update.tokens =
                TokenReport.tokens(report, alternatives: alternatives).map { .some($0) } ?? .broken
        }
        guard line["done"]?.boolValue == true else { return update }
        update.isDone = true
        let reason = line["done_reason"]?.stringValue ?? "stop"
        update.finish = reason
        update.ending =
            switch reason {
            case "stop": .finished
            case "length": .tokenLimit
            default: .other(reason)
            }
        // A prompt that is wholly in the cache is not counted by older versions.
        if let written = line["eval_count"]?.tokenCount {
            update.usage = Usage(
                promptTokens: line["prompt_eval_count"]?.tokenCount ?? 0,
                completionTokens: written
            )
        }
        return update
    }

    mutating func decodeWhole(_ answer: JSONValue) throws(AnswerAssembly.Problem) -> AnswerUpdate {
        guard answer["message"] != nil || answer["response"] != nil else {
            throw .malformed("the answer has no message")
        }
        return try decode(answer, type: "")
    }
}
