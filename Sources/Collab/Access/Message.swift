/// One turn of a dialogue.
public struct Message: Hashable, Sendable {
    /// Who speaks.
    public enum Role: String, Hashable, Sendable, Codable {
        /// Standing instructions.
        case system
        /// The person or program that asks.
        case user
        /// The model.
        case assistant
        /// A tool that the model has called.
        case tool
    }

    /// Who speaks.
    public var role: Role
    /// What is said.
    public var text: String
    /// Images and files that belong to the text.
    public var attachments: [Attachment]
    /// The tools that the model called in this turn.
    public var toolCalls: [ToolCall]
    /// Which call a tool's turn answers.
    public var toolCallID: String?
    /// What the model thought in this turn, for the server that wants it back.
    public var thinkingBlocks: [ThinkingBlock]

    /// Makes a message.
    public init(
        _ role: Role,
        _ text: String,
        attachments: [Attachment] = [],
        toolCalls: [ToolCall] = [],
        toolCallID: String? = nil,
        thinkingBlocks: [ThinkingBlock] = []
    ) {
        self.role = role
        self.text = text
        self.attachments = attachments
        self.toolCalls = toolCalls
        self.toolCallID = toolCallID
        self.thinkingBlocks = thinkingBlocks
    }

    /// Standing instructions.
    public static func system(_ text: String) -> Message { Message(.system, text) }
    /// A question or task, with images and files if it has any.
    public static func user(_ text: String, attachments: [Attachment] = []) -> Message {
        Message(.user, text, attachments: attachments)
    }
    /// A model's earlier answer, with the tools that it called.
    public static func assistant(_ text: String, toolCalls: [ToolCall] = []) -> Message {
        Message(.assistant, text, toolCalls: toolCalls)
    }
    /// A model's earlier answer with all that its server may want back: the tools that it called, and its thinking.
    public static func assistant(_ response: Response) -> Message {
        Message(
            .assistant,
            response.text,
            toolCalls: response.toolCalls,
            thinkingBlocks: response.thinkingBlocks
        )
    }
    /// What a tool that the model called has returned.
    public static func toolResult(_ text: String, of call: ToolCall) -> Message {
        Message(.tool, text, toolCallID: call.id)
    }

    /// Whether the message is text that a person, a program or a model has said, and nothing else.
    public var isPlainText: Bool { attachments.isEmpty && toolCalls.isEmpty && role != .tool }
}

extension Message: Codable {
    private enum CodingKeys: String, CodingKey {
        case role, text, attachments, toolCalls, toolCallID, thinkingBlocks
    }

    /// Reads a message.
    public init(from decoder: any Swift.Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try values.decode(Role.self, forKey: .role),
            try values.decode(String.self, forKey: .text),
            attachments: try values.decodeIfPresent([Attachment].self, forKey: .attachments) ?? [],
            toolCalls: try values.decodeIfPresent([ToolCall].self, forKey: .toolCalls) ?? [],
            toolCallID: try values.decodeIfPresent(String.self, forKey: .toolCallID),
            thinkingBlocks: try values.decodeIfPresent([ThinkingBlock].self, forKey: .thinkingBlocks) ?? []
        )
    }

    /// Writes a message. What is empty is left out, so that plain text has the form that it always had.
    public func encode(to encoder: any Swift.Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(role, forKey: .role)
        try values.encode(text, forKey: .text)
        if !attachments.isEmpty { try values.encode(attachments, forKey: .attachments) }
        if !toolCalls.isEmpty { try values.encode(toolCalls, forKey: .toolCalls) }
        try values.encodeIfPresent(toolCallID, forKey: .toolCallID)
        if !thinkingBlocks.isEmpty { try values.encode(thinkingBlocks, forKey: .thinkingBlocks) }
    }
}
