/// Why a kernel refused its input.
public struct KernelError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What happened and what to do.
    public let message: String

    /// Makes an error.
    public init(_ message: String) {
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
