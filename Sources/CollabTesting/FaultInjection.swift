public import Collab

/// Something that goes wrong with a call.
public enum Fault: Sendable {
    /// The call fails before anything is written.
    case failure(CollabError)
    /// The call fails after so many pieces have been written.
    case failureAfter(pieces: Int, CollabError)
    /// The call never ends by itself; only cancelling ends it.
    case stall
    /// The call answers with something else.
    case garbage(String)
    /// The call takes longer, on the run's clock.
    case delay(Duration)
}

/// A model some of whose calls go wrong.
public struct FaultyModel<Base: TextModel>: TextModel {
    let base: Base
    let fault: Fault
    let strikes: @Sendable (Int) -> Bool
    private let calls = Protected(0)

    init(base: Base, fault: Fault, strikes: @escaping @Sendable (Int) -> Bool) {
        self.base = base
        self.fault = fault
        self.strikes = strikes
    }

    /// The model's name.
    public var name: String { base.name }
    /// The base's.
    public var profile: ModelProfile { base.profile }

    /// Answers as the model does, unless the fault strikes.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let call = calls.withLock { calls in
            calls += 1
            return calls
        }
        guard strikes(call) else { return try await base.generate(request, into: sink) }
        switch fault {
        case .failure(let error): throw error
        case .failureAfter(let pieces, let error): return try await fail(request, sink, after: pieces, error)
        case .stall:
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
            throw .cancelled
        case .garbage(let text):
            await sink.send(text)
            return Response(text: text, model: name, usage: Usage(completionTokens: 1, calls: 1))
        case .delay(let duration):
            try await Run.sleep(for: duration)
            return try await base.generate(request, into: sink)
        }
    }

    private func fail(
        _ request: Request,
        _ sink: ResponseSink,
        after pieces: Int,
        _ error: CollabError
    ) async throws(CollabError) -> Response {
        let sent = Protected(0)
        let limited = ResponseSink { piece in
            let isAllowed = sent.withLock { sent in
                sent += 1
                return sent <= pieces
            }
            if isAllowed { await sink.send(piece) }
        }
        _ = try await base.generate(request, into: limited)
        throw error
    }
}

extension FaultyModel: Collaboration where Base: Collaboration {}

extension TextModel {
    /// The same model with a fault on the calls that a closure picks; the first call is number 1.
    public func injecting(_ fault: Fault, when strikes: @escaping @Sendable (Int) -> Bool) -> FaultyModel<
        Self
    > {
        FaultyModel(base: self, fault: fault, strikes: strikes)
    }

    /// The same model, whose calls with the given numbers (from 1) fail.
    public func failing(
        on calls: Int...,
        with error: CollabError = CollabError(.serverError, "An injected failure.")
    ) -> FaultyModel<Self> {
        injecting(.failure(error)) { calls.contains($0) }
    }

    /// The same model, whose every call fails.
    public func alwaysFailing(
        with error: CollabError = CollabError(.serverError, "An injected failure.")
    ) -> FaultyModel<Self> {
        injecting(.failure(error)) { _ in true }
    }

    /// The same model, whose calls with the given numbers (from 1) never end by themselves.
    public func stalling(on calls: Int...) -> FaultyModel<Self> {
        injecting(.stall) { calls.contains($0) }
    }

    /// The same model, whose calls with the given numbers (from 1) answer with something else.
    public func garbling(on calls: Int..., with text: String) -> FaultyModel<Self> {
        injecting(.garbage(text)) { calls.contains($0) }
    }
}
