public import Collab

/// A text model that answers from a script and remembers what it was asked.
///
/// ```swift
/// let small = ScriptedModel("small", answers: [ScriptedAnswer("41", probability: 0.4), "42"])
/// let answer = try await small.respond(to: "What is 17 + 25?")
/// #expect(small.requests.map(\.question) == ["What is 17 + 25?"])
/// ```
///
/// Copies share the script's position and the requests seen.
public struct ScriptedModel: TextModel {
    /// A script: what to answer to a request, given how many calls came before it.
    public typealias Script =
        @Sendable (_ request: Request, _ call: Int) async throws(CollabError) -> ScriptedAnswer

    /// What to call the model.
    public let name: String
    private let script: Script
    private let seen = Protected<[Request]>([])

    /// Makes a model that answers with whatever a closure returns.
    public init(_ name: String, _ script: @escaping Script) {
        self.name = name
        self.script = script
    }

    /// Makes a model that always answers the same.
    public init(_ name: String, always answer: ScriptedAnswer) {
        self.init(name) { (_, _) throws(CollabError) in answer }
    }

    /// Makes a model that gives the answers of a list in turn; one call more is an error.
    public init(_ name: String, answers: [ScriptedAnswer]) {
        self.init(name) { (_, call) throws(CollabError) in
            guard call < answers.count else {
                throw CollabError(
                    .callerFailed,
                    "The script of \(name) has \(answers.count) answers and was asked for one more."
                )
            }
            return answers[call]
        }
    }

    /// Makes a model that looks its answer up by the question: the exact one, else the longest key that occurs in it.
    public init(_ name: String, answering answers: [String: ScriptedAnswer]) {
        let keys = answers.keys.sorted { ($0.utf8.count, $1) > ($1.utf8.count, $0) }
        self.init(name) { (request, _) throws(CollabError) in
            let question = request.question
            if let answer = answers[question] { return answer }
            if let key = keys.first(where: { question.contains($0) }), let answer = answers[key] {
                return answer
            }
            throw CollabError(.callerFailed, "The script of \(name) has no answer to “\(question)”.")
        }
    }

    /// Makes a model whose answer depends on the request's sample index; it repeats from the start after the last.
    public init(_ name: String, samples: [ScriptedAnswer]) {
        self.init(name) { (request, _) throws(CollabError) in samples[request.sample % samples.count] }
    }

    /// The requests that the model was asked, in the order in which they arrived.
    public var requests: [Request] { seen.withLock { $0 } }

    /// How many calls the model has received.
    public var callCount: Int { seen.withLock { $0.count } }

    /// Answers from the script, piece by piece.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try request.validate()
        let call = seen.withLock { seen in
            seen.append(request)
            return seen.count - 1
        }
        let answer = try await script(request, call)
        try await Run.sleep(for: answer.delay)
        let (response, pieces) = answer.response(by: name, to: request)
        for piece in pieces {
            if Task.isCancelled { throw .cancelled }
            await sink.send(piece)
        }
        if Task.isCancelled { throw .cancelled }
        return response
    }
}
