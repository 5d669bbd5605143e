public import Collab

/// A sequence of a native model: a reference to its place in the key–value store.
///
/// Forking costs a few references: what both have read stays shared until one of them writes behind it.
public final class NativeDecoder: TopTokenDecoder, AnnouncedDecoder {
    let engine: NativeEngine
    private let name: String
    private let contextLength: Int
    private let state: Protected<State>

    private enum State: Sendable {
        case idle(KeyValueSequence)
        /// A task is appending; the count is the one before.
        case busy(Int)
    }

    init(engine: NativeEngine, name: String, contextLength: Int, sequence: KeyValueSequence) {
        self.engine = engine
        self.name = name
        self.contextLength = contextLength
        state = Protected(.idle(sequence))
    }

    deinit {
        // The next text may begin as this one does.
        remember()
    }

    /// How many tokens have been read.
    public var position: Int {
        state.withLock { state in
            switch state {
            case .idle(let sequence): sequence.count
            case .busy(let count): count
            }
        }
    }

    /// Reads tokens and returns the logits that were asked for, in order.
    ///
    /// Appends of several decoders of one model that wait at the same time are computed as one batch.
    /// Throws ``Collab/CollabError`` with `contextOverflow`, `invalidRequest` for an id outside the vocabulary or no
    /// tokens, `memoryLimit`, `notFinite` or `cancelled`; the decoder is then unchanged.
    public func append(_ tokens: [TokenID], logits: LogitSelection) async throws(CollabError) -> [Logits] {
        let start = position
        let end = start + tokens.count
        let positions =
            switch logits {
            case .none: 0..<0
            case .last: max(end - 1, start)..<end
            case .all: start..<end
            }
        let output = try await run(tokens, Readout(kind: .logits, positions: positions))
        guard case .logits(let values) = output else { return [] }
        return values
    }

    /// Reads tokens and returns the `count` largest logits after the last of them.
    ///
    /// They are found while the vocabulary's matrix is multiplied; no row is kept or handed out. Without the normaliser,
    /// a single sequence reads the low bits of a Q8_0 matrix only where bounds from the high bits leave it open whether a
    /// row is among the largest; the result is the same bit for bit.
    /// Throws what ``append(_:logits:)`` throws, and ``Collab/CollabError`` with `invalidRequest` for a count below 1.
    public func append(
        _ tokens: [TokenID],
        top count: Int,
        normalized: Bool
    ) async throws(CollabError) -> TopTokens {
        guard count > 0 else {
            throw CollabError(
                .invalidRequest,
                "\(name) was asked for the top \(count) tokens; ask for 1 or more."
            )
        }
        let end = position + tokens.count
        let readout = Readout(kind: .top(count, normalized: normalized), positions: max(end - 1, 0)..<end)
        guard case .tops(let tops) = try await run(tokens, readout), let top = tops.first else {
            return TopTokens(entries: [], logSumExp: nil)
        }
        return top
    }

    /// Reads tokens and returns what is asked for after some positions.
    func run(
        _ tokens: [TokenID],
        _ readout: Readout,
        probe: ActivationProbe? = nil
    ) async throws(CollabError) -> EngineJob.Output {
        try await outcome(of: tokens, readout, probe: probe).output
    }

    /// Reads the tokens of a prompt; says how many of them have been known from another text.
    func readPrompt(
        _ tokens: [TokenID],
        _ readout: Readout
    ) async throws(CollabError) -> (output: EngineJob.Output, cached: Int) {
        try await outcome(of: tokens, readout, isPrompt: true)
    }

    private func outcome(
        of tokens: [TokenID],
        _ readout: Readout,
        probe: ActivationProbe? = nil,
        isPrompt: Bool = false
    ) async throws(CollabError) -> (output: EngineJob.Output, cached: Int) {
        let outcome = await engine.run(
            try take(toRead: tokens, readout),
            appending: tokens,
            readout: readout,
            probe: probe,
            isPrompt: isPrompt
        )
        state.withLock { $0 = .idle(outcome.sequence) }
        return (try outcome.result.get(), outcome.taken)
    }

    /// Forgets everything after the first `count` tokens.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` if fewer have been read.
    public func truncate(to count: Int) async throws(CollabError) {
        var sequence = try take()
        defer { state.withLock { $0 = .idle(sequence) } }
        guard (0...sequence.count).contains(count) else {
            let message = "\(name) was asked to go back to \(count) tokens, but has read \(sequence.count)."
            throw CollabError(.invalidRequest, message)
        }
        sequence.truncate(to: count)
    }

    /// A second decoder at the same place.
    public func fork() async throws(CollabError) -> any Decoder {
        try makeFork()
    }

    /// Remembers what has been read for texts that begin alike.
    func remember() {
        if let sequence = try? current() { engine.keyValues.prefixes.store(sequence) }
    }

    func makeFork() throws(CollabError) -> NativeDecoder {
        NativeDecoder(engine: engine, name: name, contextLength: contextLength, sequence: try current())
    }

    /// The engine takes its share of the cores beside the others that are asked.
    package func announce() { engine.announce() }

    /// The engine need not be reckoned with any more on this decoder's account.
    package func withdraw() { engine.withdraw() }

    // MARK: State

    private func validate(_ tokens: [TokenID]) throws(CollabError) {
        guard !tokens.isEmpty else {
            throw CollabError(.invalidRequest, "There are no tokens for \(name) to read.")
        }
        let vocabulary = engine.weights.configuration.vocabularySize
        if let token = tokens.first(where: { $0 < 0 || $0 >= vocabulary }) {
            throw CollabError(
                .invalidRequest,
                "\(name) has no token \(token): its ids end at \(vocabulary - 1)."
            )
        }
    }

    /// Takes the sequence out, if it has room for some tokens and is where it was when the readout was made.
    private func take(toRead tokens: [TokenID], _ readout: Readout) throws(CollabError) -> KeyValueSequence {
        try validate(tokens)
        let sequence = try take()
        let count = sequence.count
        let isFull = count + tokens.count > contextLength
        let positions = readout.positions
        let isElsewhere =
            !positions.isEmpty
            && (positions.lowerBound < count || positions.upperBound > count + tokens.count)
        if isFull || isElsewhere { state.withLock { $0 = .idle(sequence) } }
        // Another task has read or gone back in between.
        if isElsewhere { throw busy }
        if isFull {
            let message = "\(name) has read \(count) tokens and cannot read \(tokens.count) more: "
            throw CollabError(.contextOverflow, message + "its context holds \(contextLength).")
        }
        return sequence
    }

    /// Takes the sequence out, so that it alone refers to its blocks while they are written.
    private func take() throws(CollabError) -> KeyValueSequence {
        let sequence: KeyValueSequence? = state.withLock { state in
            guard case .idle(let sequence) = state else { return nil }
            state = .busy(sequence.count)
            return sequence
        }
        guard let sequence else { throw busy }
        return sequence
    }

    /// The sequence as it is now.
    func current() throws(CollabError) -> KeyValueSequence {
        let sequence: KeyValueSequence? = state.withLock { state in
            guard case .idle(let sequence) = state else { return nil }
            return sequence
        }
        guard let sequence else { throw busy }
        return sequence
    }

    private var busy: CollabError {
        CollabError(.invalidRequest, "A decoder of \(name) is used by two tasks at once; fork it instead.")
    }
}
