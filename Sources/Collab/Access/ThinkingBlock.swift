/// A part of a model's thinking in the form in which its server wants it back: signed or encrypted.
///
/// Some protocols go on from the results of tools only if they see the thinking that led to the calls, exactly as they
/// wrote it. ``Message/assistant(_:)`` takes it along; nobody else needs to look into it.
public struct ThinkingBlock: Hashable, Sendable, Codable {
    /// The protocol that it belongs to, such as `anthropicMessages`; servers of other protocols are not sent it.
    public var format: String
    /// What can be read of it; empty if it is encrypted.
    public var text: String
    /// The whole block as JSON text. It must not be changed.
    public var json: String
    /// How many of the tool calls of the same turn come before it.
    public var toolCallsBefore: Int

    /// Makes a block.
    public init(format: String, text: String, json: String, toolCallsBefore: Int = 0) {
        self.format = format
        self.text = text
        self.json = json
        self.toolCallsBefore = toolCallsBefore
    }
}
