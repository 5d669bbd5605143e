/// What a ``ResponseStream`` yields.
public enum ResponseEvent: Sendable {
    /// The next piece of the final answer.
    case text(String)
    /// Something that happened on the way: a stage or a call began or ended, a decision was taken.
    case event(RunEvent)
    /// The whole answer; always the last element.
    case response(Response)
}

/// An answer while it is being written.
///
/// The work starts with the first call of `next()` and stops when the iterator is released. The stream can be
/// iterated once.
///
/// A slow reader slows the writing of the answer down. What happens elsewhere in the run does not wait for it: events are
/// dropped while 1,024 elements are waiting, and the next one says how many (``RunEvent/skipped``).
public struct ResponseStream: AsyncSequence, Sendable {
    /// What the stream yields.
    public typealias Element = ResponseEvent
    /// What it throws.
    public typealias Failure = CollabError

    private let start: @Sendable (EventBuffer<ResponseEvent>) -> Task<Void, Never>

    init(model: some TextModel, request: Request, run: Run?) {
        start = { buffer in
            Task {
                // A stream within a run belongs to it, as any other call does.
                let run = run ?? Run.current ?? Run()
                let skipped = Protected(0)
                let listener = run.listen { event in
                    skipped.withLock { skipped in
                        var event = event
                        event.skipped = skipped
                        skipped = buffer.offerIfRoom(.event(event)) ? 0 : skipped + 1
                    }
                }
                let sink = ResponseSink { text in await buffer.send(.text(text)) }
                do throws(CollabError) {
                    let response = try await model.respond(to: request, into: sink, in: run)
                    run.stopListening(listener)
                    await buffer.send(.response(response))
                    buffer.finish(nil)
                } catch {
                    run.stopListening(listener)
                    buffer.finish(error)
                }
            }
        }
    }

    /// Starts the work at the first `next()`.
    public func makeAsyncIterator() -> Iterator {
        Iterator(state: Iterator.State(start: start))
    }

    /// Waits for the whole answer.
    public func collect() async throws(CollabError) -> Response {
        var iterator = makeAsyncIterator()
        while let event = try await iterator.next(isolation: nil) {
            if case .response(let response) = event { return response }
        }
        throw .cancelled
    }

    /// The pieces of the answer's text alone.
    public var text: some AsyncSequence<String, CollabError> {
        compactMap { event in
            if case .text(let text) = event { text } else { nil }
        }
    }

    /// Iterates over the stream.
    public struct Iterator: AsyncIteratorProtocol {
        /// Cancels the producer when the last reference to the iterator goes away.
        final class State: Sendable {
            private let start: @Sendable (EventBuffer<ResponseEvent>) -> Task<Void, Never>
            private let buffer = EventBuffer<ResponseEvent>(capacity: 256)
            private let producer = Protected<Task<Void, Never>?>(nil)

            init(start: @escaping @Sendable (EventBuffer<ResponseEvent>) -> Task<Void, Never>) {
                self.start = start
            }

            deinit {
                buffer.abandon()
                producer.withLock { $0?.cancel() }
            }

            func next() async throws(CollabError) -> ResponseEvent? {
                producer.withLock { task in
                    if task == nil { task = start(buffer) }
                }
                return try await buffer.next { [producer] in producer.withLock { $0?.cancel() } }
            }
        }

        let state: State

        /// The next element, or `nil` at the end.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(CollabError) -> ResponseEvent? {
            try await state.next()
        }

        /// The next element, or `nil` at the end.
        public mutating func next() async throws(CollabError) -> ResponseEvent? {
            try await state.next()
        }
    }
}
