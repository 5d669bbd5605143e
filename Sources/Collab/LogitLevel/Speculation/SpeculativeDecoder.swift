/// A decoder whose base has read guesses behind its position.
final class SpeculativeDecoder: BoundedDecoder, ForeseeingDecoder, NotingDecoder {
    /// What has been guessed.
    struct Statistics: Hashable, Sendable {
        /// How many tokens were guessed and read.
        var proposed = 0
        /// How many of them were the ones that were chosen.
        var right = 0
        /// How many passes the base made.
        var passes = 0
    }

    private let base: any Decoder
    private let proposals: any TokenProposals
    private let model: any LogitModel
    /// Where the answer begins.
    private let first: Int
    private let endTokens: Set<TokenID>
    private let vocabularySize: Int
    private let state: Protected<State>

    private struct State {
        var written: [TokenID] = []
        /// Guesses that the base has read, with the logits after each.
        var ahead: ArraySlice<(token: TokenID, logits: Logits)> = []
        var planner: SpeculationPlanner
        var statistics = Statistics()
        /// What will choose the next tokens, if that is known.
        var sampler: TokenSampler?
    }

    init(
        _ base: any Decoder,
        _ proposals: any TokenProposals,
        model: any LogitModel,
        planner: SpeculationPlanner,
        first: Int,
        written: [TokenID] = []
    ) {
        self.base = base
        self.proposals = proposals
        self.model = model
        self.first = first
        endTokens = model.tokenizer.endTokens
        vocabularySize = model.tokenizer.count
        state = Protected(State(written: written, planner: planner))
    }

    var position: Int { state.withLock { first + $0.written.count } }

    var room: Int { baseRoom + state.withLock { $0.ahead.count } }

    /// Notes how the guesses were, and what the base has to tell.
    func note() {
        (base as? any NotingDecoder)?.note()
        let statistics = state.withLock { $0.statistics }
        Run.note("guesses", "\(statistics.right) of \(statistics.proposed) right")
        Run.note("forward passes", statistics.passes)
    }

    func willChoose(with sampler: TokenSampler) { state.withLock { $0.sampler = sampler } }

    // The base has read further, and knows what it said here.
    func didChoose(_ token: TokenID, at position: Int) {
        (base as? any BoundedDecoder)?.didChoose(token, at: position)
    }

    private var baseRoom: Int { (base as? any BoundedDecoder)?.room ?? model.contextLength - base.position }

    func append(_ tokens: [TokenID], logits: LogitSelection) async throws(CollabError) -> [Logits] {
        guard tokens.count == 1, logits != .none else {
            try await dropGuesses()
            let rows = try await base.append(tokens, logits: logits)
            state.withLock { state in
                state.written += tokens
                state.statistics.passes += 1
            }
            return rows
        }
        if let row = known(after: tokens[0]) { return [row] }
        try await dropGuesses()
        return [try await readAhead(from: tokens[0])]
    }

    /// The logits after a token that was guessed.
    private func known(after token: TokenID) -> Logits? {
        state.withLock { state in
            guard let guess = state.ahead.first else { return nil }
            state.planner.noteGuess(isRight: guess.token == token)
            guard guess.token == token else { return nil }
            state.ahead.removeFirst()
            state.written.append(token)
            state.statistics.right += 1
            return guess.logits
        }
    }

    /// Reads a token and guesses at what comes after it in one pass; the logits after the token.
    private func readAhead(from token: TokenID) async throws(CollabError) -> Logits {
        let clock = ContinuousClock()
        let (written, wanted, sampler) = state.withLock { state in
            (state.written + [token], state.planner.next(), state.sampler)
        }
        var guesses: [TokenID] = []
        let count = min(wanted, baseRoom - 1)
        if count > 0 {
            let before = clock.now
            guesses = try await proposals.propose(after: written, count: count, drawing: sampler)
            let seconds = (clock.now - before) / .seconds(1)
            state.withLock { $0.planner.noteProposal(of: guesses.count, seconds: seconds) }
            guesses = Array(guesses.prefix(count).prefix(while: isUsable))
        }
        var before = clock.now
        var rows: [Logits]
        do throws(CollabError) {
            rows = try await base.append([token] + guesses, logits: .all)
        } catch {
            // A guess may be what cannot be read, as where a constraint forbids it.
            guard !guesses.isEmpty, error.code != .cancelled else { throw error }
            guesses = []
            before = clock.now
            rows = try await base.append([token], logits: .all)
        }
        let seconds = (clock.now - before) / .seconds(1)
        let ahead = zip(guesses, rows.dropFirst()).map { (token: $0, logits: $1) }
        state.withLock { state in
            state.planner.notePass(of: ahead.count + 1, seconds: seconds)
            state.written = written
            state.ahead = ahead[...]
            state.statistics.passes += 1
            state.statistics.proposed += ahead.count
        }
        return rows[0]
    }

    /// Whether a guess could be followed by another token.
    private func isUsable(_ token: TokenID) -> Bool {
        token >= 0 && token < vocabularySize && !endTokens.contains(token)
    }

    private func dropGuesses() async throws(CollabError) {
        guard state.withLock({ !$0.ahead.isEmpty }) else { return }
        try await base.truncate(to: position)
        state.withLock { $0.ahead = [] }
    }

    func truncate(to count: Int) async throws(CollabError) {
        guard (first...position).contains(count) else {
            throw CollabError(
                .invalidRequest,
                """
                A speculative decoder of \(model.name) was asked to go back to \(count) tokens; \
                it can go to \(first), where the answer begins, up to \(position).
                """
            )
        }
        try await base.truncate(to: count)
        state.withLock { state in
            state.written.removeLast(state.written.count - (count - first))
            state.ahead = []
        }
    }

    func fork() async throws(CollabError) -> any Decoder {
        let copy = try await base.fork()
        let (written, planner) = state.withLock { ($0.written, $0.planner) }
        try await copy.truncate(to: first + written.count)
        return SpeculativeDecoder(
            copy,
            try await proposals.fork(),
            model: model,
            planner: planner,
            first: first,
            written: written
        )
    }
}
