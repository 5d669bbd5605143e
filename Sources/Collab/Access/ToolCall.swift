/// A call of a tool that a model asks for, exactly as it was received.
///
/// Collab runs no tools: the call is handed to the program, which answers it with ``Message/toolResult(_:of:)`` in the
/// next request. Which tools there are is told to the server with the request's extra fields.
public struct ToolCall: Hashable, Sendable, Codable {
    /// The server's identifier, which the result must name; empty if the server gives none.
    public var id: String
    /// The tool's name.
    public var name: String
    /// The arguments, as JSON text. The model wrote it: it may be anything.
    public var arguments: String

    /// Makes a call.
    public init(id: String, name: String, arguments: String) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }
}
