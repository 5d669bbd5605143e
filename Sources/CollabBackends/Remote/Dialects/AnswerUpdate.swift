internal import Collab

/// What one event adds to an answer.
struct AnswerUpdate {
    /// Log-probabilities of tokens.
    enum Tokens {
        case none
        case some([GeneratedToken])
        /// They came, and cannot be used.
        case broken
    }

    /// A piece of a tool call; pieces with the same place belong together.
    struct ToolCallPiece {
        var place: Int
        var id: String?
        var name: String?
        /// A further piece of the arguments.
        var arguments = ""
        /// The arguments as a whole, in the place of all pieces.
        var wholeArguments: String?
    }

    var text = ""
    var thinking = ""
    /// Parts of the thinking that are whole, in the form in which the server wants them back.
    var thinkingBlocks: [ThinkingBlock] = []
    var refusal = ""
    var toolCalls: [ToolCallPiece] = []
    var tokens = Tokens.none
    /// Why the answer ended, as the server spells it.
    var finish: String?
    /// The same in our words.
    var ending: Response.Ending?
    var usage: Usage?
    /// The tokens of the prompt, known before the usage is.
    var promptTokens: Int?
    /// Whether nothing more comes.
    var isDone = false
}

extension JSONValue {
    /// A count of tokens that can be one.
    var tokenCount: Int? { intValue.flatMap { (0..<1 << 40).contains($0) ? $0 : nil } }
}
