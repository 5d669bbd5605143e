/// A small model that writes, and a large one of the same vocabulary that takes over token by token, where a rule says
/// so.
///
/// ```swift
/// let cascade = TokenCascade(small, large, deferring: .chow(0.4))
/// ```
///
/// It is a ``LogitModel``: its logits are the logarithms of the distribution that the rule mixes from both, so it can be
/// fused, steered, and written with any ``Sampling``. Under ``TokenDeferral/chow(_:)`` the large model is asked for
/// deferred tokens alone and reads what was written in between at once, in a batch, which costs it little more than one
/// token. The other rules look at both models at every token; reading several tokens at once, as a speculating decoder
/// does, is one batch for each model. The trace notes how many tokens were left to the large model.
public struct TokenCascade: LogitModel {
    /// What to call it.
    public let name: String
    /// Who writes.
    public internal(set) var small: any LogitModel
    /// Who takes over.
    public internal(set) var large: any LogitModel
    /// When.
    public let deferral: TokenDeferral
    /// The name under which its random choices are drawn: the one that it would have if nothing guessed.
    let seedName: String

    /// Makes a cascade.
    ///
    /// - Parameters:
    ///   - small: who writes.
    ///   - large: who takes over.
    ///   - deferral: when.
    ///   - name: what to call it; `nil` makes a name of the models'.
    public init(
        _ small: any LogitModel,
        _ large: any LogitModel,
        deferring deferral: TokenDeferral,
        named name: String? = nil
    ) {
        func joining(_ names: [String]) -> String { names.joined(separator: ", deferring tokens to ") }
        self.name = name ?? joining([small.name, large.name])
        seedName = name ?? joining([Collab.seedName(of: small), Collab.seedName(of: large)])
        self.small = small
        self.large = large
        self.deferral = deferral
    }

    /// What both have in common, but no price: a token is written by one or the other.
    public var profile: ModelProfile {
        var profile = ModelProfile(of: [small, large])
        profile.price = nil
        return profile
    }
    /// The vocabulary, with both models' end tokens.
    public var tokenizer: any Tokenizer { FusedTokenizer([small.tokenizer, large.tokenizer]) }
    /// The shorter context.
    public var contextLength: Int { min(small.contextLength, large.contextLength) }

    /// The request's tokens as the small model renders it; the large one may render it differently.
    public func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try checkVocabularies(small, large)
        return try small.promptTokens(for: request)
    }

    /// A decoder of both.
    public func makeDecoder() async throws(CollabError) -> any Decoder {
        try checkVocabularies(small, large)
        return TokenCascadeDecoder(
            self,
            try await small.makeDecoder(),
            try await large.makeDecoder(),
            pending: [],
            counts: (0, 0)
        )
    }

    /// A decoder whose models have each read the request as they render it.
    public func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        try checkVocabularies(small, large)
        let starts = try await concurrently([small, large]) { (model) async throws(CollabError) in
            do throws(CollabError) { return try await model.startDecoding(request) } catch {
                throw error.within(model.name)
            }
        }
        let (target, deferred) = deferral.target(
            small: withoutPadding(starts[0].logits).probabilities,
            large: withoutPadding(starts[1].logits).probabilities
        )
        return DecodingStart(
            decoder: TokenCascadeDecoder(
                self,
                starts[0].decoder,
                starts[1].decoder,
                pending: [],
                counts: (1, deferred)
            ),
            logits: Logits(probabilities: target),
            promptTokens: starts.reduce(0) { $0 + $1.promptTokens },
            cachedTokens: starts.reduce(0) { $0 + $1.cachedTokens },
            stopSequences: starts.flatMap(\.stopSequences),
            keepsWhitespace: starts.contains(where: \.keepsWhitespace),
            constraints: starts.flatMap(\.constraints)
        )
    }
}

extension TokenCascade {
    /// The logits of tokens alone: models of one vocabulary may have matrices of different numbers of rows.
    fileprivate func withoutPadding(_ row: Logits) -> Logits { row.cut(to: small.tokenizer.count) }
}

/// The decoders of both models; the large one may lag behind.
final class TokenCascadeDecoder: BoundedDecoder, NotingDecoder {
    private let cascade: TokenCascade
    private let small: any Decoder
    private let large: any Decoder
    private let state: Protected<State>

    private struct State {
        /// What the large model has not read yet.
        var pending: [TokenID]
        var tokens: Int
        var deferred: Double
    }

    init(
        _ cascade: TokenCascade,
        _ small: any Decoder,
        _ large: any Decoder,
        pending: [TokenID],
        counts: (tokens: Int, deferred: Double)
    ) {
        self.cascade = cascade
        self.small = small
        self.large = large
        state = Protected(State(pending: pending, tokens: counts.tokens, deferred: counts.deferred))
    }

    var position: Int { small.position }

    /// Notes how much of the answer was left to the large model, and what both have to tell.
    func note() {
        let (tokens, deferred) = state.withLock { ($0.tokens, $0.deferred) }
        let share = tokens > 0 ? (deferred / Double(tokens)).rounded(toPlaces: 3) : 0
        Run.note(
            "deferred",
            "\(deferred.rounded(toPlaces: 2)) of \(tokens) tokens (\(share)), where \(cascade.deferral)"
        )
        for decoder in [small, large] { (decoder as? any NotingDecoder)?.note() }
    }

    var room: Int {
        func room(_ decoder: any Decoder, _ model: any LogitModel) -> Int {
            (decoder as? any BoundedDecoder)?.room ?? model.contextLength - decoder.position
        }
        let waiting = state.withLock { $0.pending.count }
        return min(room(small, cascade.small), room(large, cascade.large) - waiting)
    }

    func didChoose(_ token: TokenID, at position: Int) {
        let back = self.position - position
        (small as? any BoundedDecoder)?.didChoose(token, at: position)
        // Where it lags behind, it has not been asked.
        let waiting = state.withLock { $0.pending.count }
        guard waiting <= back else { return }
        (large as? any BoundedDecoder)?.didChoose(token, at: large.position - (back - waiting))
    }

    func append(_ tokens: [TokenID], logits selection: LogitSelection) async throws(CollabError) -> [Logits] {
        let before = small.position
        let waiting = state.withLock { $0.pending }
        guard room >= tokens.count else {
            throw CollabError(
                .contextOverflow,
                "\(tokens.count) more tokens do not fit into the context of \(cascade.name)."
            )
        }
        let rows = try await small.append(tokens, logits: selection).map(cascade.withoutPadding)
        let smallRows = rows.map(\.probabilities)
        guard !rows.isEmpty, cascade.deferral.needsBoth || smallRows.contains(where: cascade.deferral.defers)
        else {
            state.withLock { state in
                state.pending += tokens
                state.tokens += rows.count
            }
            return rows
        }
        let largeRows: [Logits]
        do throws(CollabError) {
            largeRows = try await large.append(
                waiting + tokens,
                logits: selection == .all ? .all : .last
            )
            .suffix(rows.count)
            .map(cascade.withoutPadding)
        } catch {
            // Neither may be left ahead of the other.
            try? await small.truncate(to: before)
            throw error.within(cascade.large.name)
        }
        var result: [Logits] = []
        var deferred = 0.0
        for (index, pair) in zip(smallRows, largeRows).enumerated() {
            let (target, share) = cascade.deferral.target(small: pair.0, large: pair.1.probabilities)
            result.append(share == 0 ? rows[index] : share == 1 ? pair.1 : Logits(probabilities: target))
            deferred += share
        }
        let share = deferred
        state.withLock { state in
            state.pending = []
            state.tokens += rows.count
            state.deferred += share
        }
        return result
    }

    func truncate(to count: Int) async throws(CollabError) {
        let back = position - count
        let waiting = state.withLock { $0.pending.count }
        let behind = max(back - waiting, 0)
        guard back >= 0, small.position >= back, large.position >= behind else {
            throw CollabError(
                .invalidRequest,
                "A decoder of \(cascade.name) at \(position) cannot be truncated to \(count) tokens."
            )
        }
        try await small.truncate(to: count)
        if behind > 0 { try await large.truncate(to: large.position - behind) }
        state.withLock { $0.pending.removeLast(min(back, waiting)) }
    }

    func fork() async throws(CollabError) -> any Decoder {
        let held = state.withLock { $0 }
        return TokenCascadeDecoder(
            cascade,
            try await small.fork(),
            try await large.fork(),
            pending: held.pending,
            counts: (held.tokens, held.deferred)
        )
    }
}
