/// One turn of a dialogue.
public struct Message: Hashable, Sendable, Codable {
    /// Who speaks.
    public enum Role: String, Hashable, Sendable, Codable {
        /// Standing instructions.
        case system
        /// The person or program that asks.
        case user
        /// The model.
        case assistant
    }

    /// Who speaks.
    public var role: Role
    /// What is said.
    public var text: String

    /// Makes a message.
    public init(_ role: Role, _ text: String) {
        self.role = role
        self.text = text
    }

    /// Standing instructions.
    public static func system(_ text: String) -> Message { Message(.system, text) }
    /// A question or task.
    public static func user(_ text: String) -> Message { Message(.user, text) }
    /// A model's earlier answer.
    public static func assistant(_ text: String) -> Message { Message(.assistant, text) }
}
