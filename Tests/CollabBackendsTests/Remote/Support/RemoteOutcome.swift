import Collab
import Testing

@testable import CollabBackends

/// The key of all tests: it must not appear anywhere.
let canaryKey = "sk-canary-6f1d0c9b8a7e"

/// What a call came to.
struct RemoteOutcome: Sendable {
    var result: Result<Response, CollabError>
    /// What the sink was given.
    var pieces: [String]
    var duration: Duration

    var response: Response? { try? result.get() }
    var error: CollabError? { if case .failure(let error) = result { error } else { nil } }
    var failure: RemoteFailure? { error?.remoteFailure }
}

/// Calls a model and checks what holds for every outcome: the pieces are the text, and no error holds the key.
func call(
    _ model: RemoteModel,
    _ request: Request = Request("What is the capital of France?"),
    at location: SourceLocation = #_sourceLocation
) async -> RemoteOutcome {
    let pieces = Protected<[String]>([])
    let sink = ResponseSink { piece in pieces.withLock { $0.append(piece) } }
    let start = ContinuousClock.now
    let result: Result<Response, CollabError>
    do throws(CollabError) {
        result = .success(try await model.generate(request, into: sink))
    } catch {
        result = .failure(error)
    }
    let outcome = RemoteOutcome(
        result: result,
        pieces: pieces.withLock { $0 },
        duration: .now - start
    )
    switch result {
    case .success(let response):
        #expect(outcome.pieces.joined() == response.text, sourceLocation: location)
    case .failure(let error):
        expectNoKey(in: error, at: location)
        if let partial = error.remoteFailure?.partial {
            #expect(outcome.pieces.joined() == partial.text, sourceLocation: location)
        }
    }
    return outcome
}

/// Prints a value in every way that Swift knows and looks for the key.
func expectNoKey(in value: Any, _ key: String = canaryKey, at location: SourceLocation = #_sourceLocation) {
    var dumped = ""
    dump(value, to: &dumped)
    for text in ["\(value)", String(reflecting: value), dumped] {
        #expect(!text.contains(key), "the key was printed", sourceLocation: location)
    }
}

extension RemoteModel {
    /// A model on the fault server, with connections of its own: those that other tests leave behind may be dying.
    static func faulty(
        _ faults: String,
        id: String,
        on server: FaultServer,
        server kind: ServerKind = .compatible,
        timeouts: Timeouts = Timeouts(),
        adjusting: (inout RemoteSettings) -> Void = { _ in }
    ) throws -> RemoteModel {
        var settings = RemoteSettings(timeouts: timeouts)
        settings.transport = try Transport()
        adjusting(&settings)
        var base = server.base(faults, id: id)
        // Ollama's paths begin at the root.
        if kind.dialect == .ollama { base.removeLast("/v1".count) }
        return try RemoteModel(
            "fault-model",
            at: base,
            key: Secret { canaryKey },
            server: kind,
            settings: settings
        )
    }
}
