import Collab

/// Tokens on their way through a model, and what is wanted after them.
final class EngineJob: @unchecked Sendable {
    // Sendable: until it is submitted and after it has been finished a job belongs to the task that waits for it, and
    // in between to the engine's thread; the queue's lock and the continuation order the two. `isCancelled` is locked.
    /// What comes of a job; the sequence comes back in every case.
    struct Outcome: Sendable {
        var sequence: KeyValueSequence
        var result: Result<Output, CollabError>
        /// How many of the sequence's first tokens have keys and values from another text.
        var taken: Int
    }

    /// What was asked for, position by position.
    enum Output: Sendable {
        case logits([Logits])
        case logprobs([Float])
        case hidden([[Float]])
        case tops([TopTokens])
    }

    /// The sequence with the tokens appended that are to be computed.
    var sequence: KeyValueSequence
    /// How many tokens the sequence had before; a failure goes back to them.
    let previousCount: Int
    let readout: Readout
    let probe: ActivationProbe?
    /// Whether the text is worth remembering, and may begin like one that is remembered.
    let isPrompt: Bool
    /// The job that computes the first `sharedCount` tokens, which this one waits for.
    var leader: EngineJob?
    var sharedCount = 0
    /// How many first tokens have come from another text.
    var taken = 0
    var logits: [Logits] = []
    var logprobs: [Float] = []
    var hidden: [[Float]] = []
    var tops: [TopTokens] = []
    private var continuation: CheckedContinuation<Outcome, Never>?
    private let cancellation = Protected(false)

    init(
        sequence: KeyValueSequence,
        previousCount: Int,
        readout: Readout,
        probe: ActivationProbe? = nil,
        isPrompt: Bool = false
    ) {
        self.sequence = sequence
        self.previousCount = previousCount
        self.readout = readout
        self.probe = probe
        self.isPrompt = isPrompt
    }

    /// Whether the waiting task has been cancelled.
    var isCancelled: Bool { cancellation.withLock { $0 } }

    /// The most rows of a step that the job can take: whole vocabularies of logits are handed out in small numbers.
    var mostRows: Int { readout.kind == .logits && readout.positions.count > 1 ? 64 : .max }

    /// Asks the engine to leave the job at the next token.
    func cancel() { cancellation.withLock { $0 = true } }

    /// Names the task to resume.
    func waits(_ continuation: CheckedContinuation<Outcome, Never>) { self.continuation = continuation }

    /// Hands the output to the waiting task.
    func finish() {
        let output: Output =
            switch readout.kind {
            case .logits: .logits(logits)
            case .logprob: .logprobs(logprobs)
            case .hidden: .hidden(hidden)
            case .top: .tops(tops)
            }
        resume(.success(output))
    }

    /// Gives the sequence back as it was.
    func fail(_ error: CollabError) {
        sequence.truncate(to: previousCount)
        resume(.failure(error))
    }

    private func resume(_ result: Result<Output, CollabError>) {
        let outcome = Outcome(sequence: sequence, result: result, taken: taken)
        leader = nil
        // The task must find itself the only owner of the sequence's blocks.
        sequence = sequence.emptied()
        continuation?.resume(returning: outcome)
        continuation = nil
    }
}
