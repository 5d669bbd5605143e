internal import Collab

/// Puts an answer together from the chunks of a stream, or from a whole answer, without doing any I/O.
struct AnswerAssembly {
    /// Why the answer cannot be completed.
    enum Problem: Error, Hashable {
        /// The server reports an error.
        case complaint(ServerComplaint)
        /// A chunk or the answer is not what the protocol prescribes.
        case malformed(String)
        /// The server does not stop where it was told to.
        case endless
    }

    private let alternatives: Int
    private let maximumTokens: Int?
    private(set) var text = ""
    private var tokens: [GeneratedToken] = []
    private var hasTokens = false
    private var areTokensBroken = false
    private(set) var finish: String?
    private(set) var usage: Usage?
    private(set) var chunks = 0
    /// Whether the server has said that nothing more comes.
    private(set) var isDone = false

    init(alternatives: Int, maximumTokens: Int?) {
        self.alternatives = alternatives
        self.maximumTokens = maximumTokens
    }

    /// Whether the answer is known to be complete.
    var isComplete: Bool { isDone || finish != nil }

    /// Whether log-probabilities came that cannot be used.
    var droppedTokens: Bool { areTokensBroken }

    // MARK: Streams

    /// Takes the data of an event and returns the text that it adds.
    mutating func consume(_ data: [UInt8]) throws(Problem) -> String {
        if isDone || data.isEmpty { return "" }
        if String(decoding: data, as: UTF8.self).trimmingSpace() == "[DONE]" {
            isDone = true
            return ""
        }
        let json: JSONValue
        do throws(CollabError) {
            json = try JSONValue(parsing: data, policy: .wire)
        } catch {
            throw .malformed("an event is no JSON (\(error.message))")
        }
        if let complaint = ServerComplaint(json) { throw .complaint(complaint) }
        if let usage = Self.usage(json["usage"]) { self.usage = usage }
        // Chunks without choices carry the usage, or nothing; of several choices only the first was asked for.
        guard let choices = json["choices"]?.arrayValue,
            let choice = choices.first(where: { ($0["index"]?.intValue ?? 0) == 0 })
        else { return "" }
        return try take(choice, content: choice["delta"]?["content"] ?? choice["text"])
    }

    private mutating func take(_ choice: JSONValue, content: JSONValue?) throws(Problem) -> String {
        if let reason = choice["finish_reason"]?.stringValue { finish = reason }
        if let logprobs = choice["logprobs"], !logprobs.isNull {
            if let more = TokenReport.tokens(logprobs, alternatives: alternatives) {
                tokens += more
                hasTokens = hasTokens || !more.isEmpty
            } else {
                areTokensBroken = true
            }
        }
        guard let piece = Self.text(content), !piece.isEmpty else { return "" }
        chunks += 1
        if let maximumTokens, (chunks - 64) / 4 > maximumTokens { throw .endless }
        text += piece
        return piece
    }

    /// Content is text, or an array of parts with texts.
    private static func text(_ content: JSONValue?) -> String? {
        if let text = content?.stringValue { return text }
        return content?.arrayValue?.compactMap { $0["text"]?.stringValue }.joined()
    }

    // MARK: Whole answers

    /// Takes a whole answer and returns its text.
    mutating func consumeWhole(_ data: [UInt8]) throws(Problem) -> String {
        let json: JSONValue
        do throws(CollabError) {
            json = try JSONValue(parsing: data, policy: .wire)
        } catch {
            throw .malformed("the answer is no JSON (\(error.message))")
        }
        if let complaint = ServerComplaint(json) { throw .complaint(complaint) }
        usage = Self.usage(json["usage"])
        guard let choices = json["choices"]?.arrayValue, let choice = choices.first else {
            throw .malformed("the answer has no choices")
        }
        let content = choice["message"]?["content"] ?? choice["text"]
        let hasToolCalls = choice["message"]?["tool_calls"]?.arrayValue?.isEmpty == false
        if Self.text(content) == nil, !hasToolCalls { throw .malformed("the answer has no text") }
        let text = try take(choice, content: content)
        isDone = true
        return text
    }

    // MARK: The result

    /// The answer as far as it has come.
    func response(model: String, promptBytes: Int, price: Price?) -> Response {
        var usage = usage ?? estimatedUsage(promptBytes: promptBytes)
        usage.calls = 1
        if let price { usage.cost = price.cost(of: usage) }
        return Response(
            text: text,
            model: model,
            ending: ending,
            tokens: hasTokens && !areTokensBroken ? tokens : nil,
            usage: usage
        )
    }

    private var ending: Response.Ending {
        switch finish {
        case "stop": .finished
        case "length": .tokenLimit
        case "content_filter": .filtered
        case let reason?: .other(reason)
        case nil: .other("unknown")
        }
    }

    /// About four bytes a token, and a token a chunk.
    private func estimatedUsage(promptBytes: Int) -> Usage {
        let written = hasTokens ? tokens.count : max(chunks, min(1, text.utf8.count))
        return Usage(promptTokens: (promptBytes + 3) / 4, completionTokens: written)
    }

    private static func usage(_ json: JSONValue?) -> Usage? {
        guard let json, let prompt = json["prompt_tokens"]?.intValue else { return nil }
        let cached = json["prompt_tokens_details"]?["cached_tokens"]?.intValue ?? 0
        let completion = json["completion_tokens"]?.intValue ?? 0
        guard prompt >= 0, completion >= 0, prompt < 1 << 40, completion < 1 << 40 else { return nil }
        return Usage(
            promptTokens: prompt,
            cachedTokens: min(max(0, cached), prompt),
            completionTokens: completion
        )
    }
}
