/// The events of a run, live.
///
/// At most 4,096 events wait for a reader. When more come, the oldest are dropped, and the next one that the reader gets
/// says how many (``RunEvent/skipped``); the ``Run/trace`` has it all. Listening begins when the sequence is made and ends
/// when it is let go of, or when the task that iterates is cancelled. A sequence is for one reader.
public struct RunEvents: AsyncSequence, Sendable {
    /// What the sequence yields.
    public typealias Element = RunEvent
    /// It does not fail.
    public typealias Failure = Never

    /// How many events wait for a slow reader at most.
    public static let capacity = 4096

    private let listening: Listening

    init(of run: Run) {
        let listening = Listening()
        self.listening = listening
        let listener = run.listen { [weak listening] in listening?.add($0) }
        listening.leave = { [weak run] in run?.stopListening(listener) }
    }

    /// Iterates over the events.
    public func makeAsyncIterator() -> Iterator { Iterator(listening: listening) }

    /// Iterates over the events of a run.
    public struct Iterator: AsyncIteratorProtocol {
        let listening: Listening

        /// The next event; `nil` once the task is cancelled.
        public mutating func next(isolation actor: isolated (any Actor)?) async -> RunEvent? {
            await listening.next()
        }

        /// The next event; `nil` once the task is cancelled.
        public mutating func next() async -> RunEvent? { await listening.next() }
    }
}
