internal import Collab

/// Puts an answer together from the events of a stream, or from a whole answer, without doing any I/O.
///
/// What the events mean is the dialect's matter; what they add up to is the same for all.
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

    private var decoder: any AnswerDecoder
    private let maximumTokens: Int?
    private(set) var text = ""
    private var thinking = ""
    private var thinkingBlocks: [ThinkingBlock] = []
    private var refusal = ""
    private var toolCalls: [Int: ToolCall] = [:]
    private var tokens: [GeneratedToken] = []
    private var hasTokens = false
    private var areTokensBroken = false
    private var ending: Response.Ending?
    private(set) var finish: String?
    private(set) var usage: Usage?
    private var promptTokens: Int?
    private(set) var chunks = 0
    /// Whether the server has said that nothing more comes.
    private(set) var isDone = false

    /// The most tool calls of an answer, and bytes of their arguments; and the most blocks of thinking.
    private static let (toolCallLimit, argumentLimit, thinkingLimit) = (256, 16 << 20, 4096)

    init(alternatives: Int, maximumTokens: Int?, dialect: Dialect = .chatCompletions) {
        decoder = dialect.coding.makeDecoder(alternatives: alternatives)
        self.maximumTokens = maximumTokens
    }

    /// Whether the answer is known to be complete.
    var isComplete: Bool { isDone || finish != nil }

    /// Whether log-probabilities came that cannot be used.
    var droppedTokens: Bool { areTokensBroken }

    // MARK: Taking events

    /// Takes the data of an event and returns the text that it adds.
    mutating func consume(_ data: [UInt8], type: String = "message") throws(Problem) -> String {
        if isDone || data.isEmpty { return "" }
        if String(decoding: data, as: UTF8.self).trimmingSpace() == "[DONE]" {
            isDone = true
            return ""
        }
        let json = try Self.parse(data, "an event")
        if let complaint = ServerComplaint(json) { throw .complaint(complaint) }
        return try add(decoder.decode(json, type: type))
    }

    /// Takes a whole answer and returns its text.
    mutating func consumeWhole(_ data: [UInt8]) throws(Problem) -> String {
        let json = try Self.parse(data, "the answer")
        if let complaint = ServerComplaint(json) { throw .complaint(complaint) }
        let text = try add(decoder.decodeWhole(json))
        isDone = true
        return text
    }

    private static func parse(_ data: [UInt8], _ what: String) throws(Problem) -> JSONValue {
        do throws(CollabError) {
            return try JSONValue(parsing: data, policy: .wire)
        } catch {
            throw .malformed("\(what) is no JSON (\(error.message))")
        }
    }

    private mutating func add(_ update: AnswerUpdate) throws(Problem) -> String {
        if let finish = update.finish { (self.finish, ending) = (finish, update.ending) }
        if let usage = update.usage { self.usage = usage }
        if let promptTokens = update.promptTokens { self.promptTokens = promptTokens }
        isDone = isDone || update.isDone
        switch update.tokens {
        case .none: break
        case .some(let more):
            tokens += more
            hasTokens = hasTokens || !more.isEmpty
        case .broken: areTokensBroken = true
        }
        try add(update.toolCalls)
        refusal += update.refusal
        thinking += update.thinking
        thinkingBlocks += update.thinkingBlocks
        guard thinkingBlocks.count <= Self.thinkingLimit else {
            throw .malformed("it thinks in more than \(Self.thinkingLimit) blocks")
        }
        let length = update.text.utf8.count + update.thinking.utf8.count + update.refusal.utf8.count
        guard length > 0 || !update.toolCalls.isEmpty else { return "" }
        chunks += 1
        if let maximumTokens, (chunks - 64) / 4 > maximumTokens { throw .endless }
        text += update.text
        return update.text
    }

    private mutating func add(_ pieces: [AnswerUpdate.ToolCallPiece]) throws(Problem) {
        for piece in pieces {
            guard toolCalls[piece.place] != nil || toolCalls.count < Self.toolCallLimit else {
                throw .malformed("it calls more than \(Self.toolCallLimit) tools")
            }
            var call = toolCalls[piece.place] ?? ToolCall(id: "", name: "", arguments: "")
            // Identifier and name come once; servers that repeat them repeat the same.
            if let id = piece.id, !id.isEmpty { call.id = id }
            if let name = piece.name, !name.isEmpty { call.name = name }
            call.arguments = piece.wholeArguments ?? call.arguments + piece.arguments
            guard call.arguments.utf8.count <= Self.argumentLimit else {
                throw .malformed(
                    "the arguments of a tool call are longer than \(Self.argumentLimit >> 20) MiB"
                )
            }
            toolCalls[piece.place] = call
        }
    }

    // MARK: The result

    /// The answer as far as it has come.
    func response(model: String, promptBytes: Int, price: Price?) -> Response {
        var usage = usage ?? estimatedUsage(promptBytes: promptBytes)
        usage.calls = 1
        usage = usage.priced(at: price)
        return Response(
            text: text,
            model: model,
            ending: reportedEnding,
            tokens: hasTokens && !areTokensBroken ? tokens : nil,
            thinking: thinking.isEmpty ? nil : thinking,
            refusal: refusal.isEmpty ? nil : refusal,
            toolCalls: toolCalls.sorted { $0.key < $1.key }.map(\.value),
            thinkingBlocks: thinkingBlocks,
            usage: usage
        )
    }

    private var reportedEnding: Response.Ending {
        // OpenAI says “stop” for a refusal too.
        if ending == .finished, !refusal.isEmpty, text.isEmpty { return .refused }
        // Some servers say “stop” although they call tools.
        if ending == .finished, !toolCalls.isEmpty { return .toolCalls }
        return ending ?? .other("unknown")
    }

    /// About four bytes a token, and a token a chunk.
    private func estimatedUsage(promptBytes: Int) -> Usage {
        let written = hasTokens ? tokens.count : max(chunks, min(1, text.utf8.count))
        return Usage(promptTokens: promptTokens ?? (promptBytes + 3) / 4, completionTokens: written)
    }
}

extension Usage {
    /// The same with what it costs, or marked as a call whose cost nobody has told.
    func priced(at price: Price?) -> Usage {
        var usage = self
        if let price { usage.cost = price.cost(of: usage) } else { usage.unpricedCalls = 1 }
        return usage
    }
}
