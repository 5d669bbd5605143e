/// A person who is a member: approves, breaks ties, votes, or writes answers like a model.
///
/// <!-- fragment -->
/// ```swift
/// let editor = Person("editor") { request in try await inbox.ask(request.question) }
/// let panel = Debate(rounds: 1, answers: .yesNo) { a; b; editor }
/// ```
///
/// A person's answers cost no money and no tokens; in a budget each counts as a call. Waiting for a person ends when the
/// task is cancelled, also if the closure itself does not heed that.
public struct Person: TextModel {
    /// What a person is asked, and what it answers.
    public typealias Answering = @Sendable (_ request: Request) async throws -> String

    /// What to call the person in traces and prompts.
    public let name: String
    private let answer: Answering

    /// Makes a member of a person.
    ///
    /// - Parameter answer: shows the request to the person and returns what it answers.
    public init(_ name: String, answering answer: @escaping Answering) {
        self.name = name
        self.answer = answer
    }

    /// A person is where the program is, and free.
    public var profile: ModelProfile { ModelProfile(locality: .local, price: .free) }

    /// Asks the person.
    ///
    /// Throws ``CollabError/Code/callerFailed`` with the cause if the closure fails.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try request.validate()
        try checkCancellation()
        let text = try await withoutWaitingForCancelled(request)
        await sink.send(text)
        return Response(text: text, model: name)
    }

    private func withoutWaitingForCancelled(_ request: Request) async throws(CollabError) -> String {
        let (outcomes, sender) = AsyncStream<Result<String, CollabError>>.makeStream()
        let (name, answer) = (name, answer)
        let asking = Task {
            do {
                sender.yield(.success(try await answer(request)))
            } catch {
                sender.yield(.failure(CollabError(wrapping: error, "\(name) could not be asked.")))
            }
            sender.finish()
        }
        // The iteration ends when this task is cancelled, whatever the closure does.
        for await outcome in outcomes { return try outcome.get() }
        asking.cancel()
        throw .cancelled
    }
}
