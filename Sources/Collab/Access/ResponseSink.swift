/// Where a model puts the text of its answer while writing it.
///
/// Sending suspends while the reader is behind, so a slow reader slows the writer down instead of filling memory.
public struct ResponseSink: Sendable {
    private let receive: (@Sendable (String) async -> Void)?

    /// Whether nobody will read the pieces, so that an answer can still be taken back.
    public let isDiscarding: Bool

    /// Makes a sink that hands each piece of text to a closure.
    public init(_ receive: @escaping @Sendable (String) async -> Void) {
        self.receive = receive
        isDiscarding = false
    }

    /// Makes a sink that watches what goes to another.
    package init(isDiscarding: Bool, _ receive: @escaping @Sendable (String) async -> Void) {
        self.receive = receive
        self.isDiscarding = isDiscarding
    }

    private init() {
        receive = nil
        isDiscarding = true
    }

    /// A sink for callers that only want the whole answer.
    public static let discarding = ResponseSink()

    /// Hands on a piece of text; empty pieces are not sent.
    public func send(_ text: String) async {
        guard let receive, !text.isEmpty else { return }
        await receive(text)
    }
}
