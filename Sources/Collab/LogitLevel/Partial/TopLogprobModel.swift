internal import CollabKernels

/// A model that tells the most probable next tokens: the access that servers give instead of logits.
public protocol TopLogprobModel: TextModel {
    /// How many tokens it lists at most; `nil`: as many as it is asked for.
    var limit: Int? { get }
    /// Begins an answer to a request.
    func startAnswer(_ request: Request) async throws(CollabError) -> any TopLogprobAnswer
}

/// An answer under way, of whose next token the most probable ones can be read. It is used by one task at a time.
public protocol TopLogprobAnswer: AnyObject, Sendable {
    /// The most probable next tokens; more or fewer than were asked for where the server has its own limits.
    func next(count: Int) async throws(CollabError) -> PartialDistribution
    /// Learns what is written next, which may be any text.
    func write(_ bytes: [UInt8]) async throws(CollabError)
    /// Learns what may be written next, piece by piece, and may find out at once what would come after each.
    func foresee(_ guesses: [[UInt8]], count: Int) async throws(CollabError)
    /// What it has used so far.
    var usage: Usage { get }
}

extension TopLogprobModel {
    /// `nil`: as many as it is asked for.
    public var limit: Int? { nil }
}

extension TopLogprobAnswer {
    /// Nothing is found out before it is asked for.
    public func foresee(_ guesses: [[UInt8]], count: Int) async throws(CollabError) {}
}

/// A logit model of which only the most probable next tokens are looked at, so that it can be fused with models that tell
/// no more.
public struct TopsOfLogits: TopLogprobModel {
    /// The model.
    public let base: any LogitModel
    /// How many tokens it lists at most; `nil`: as many as it is asked for.
    public let limit: Int?

    /// Looks at a model's most probable tokens.
    public init(_ base: any LogitModel, limit: Int? = nil) {
        self.base = base
        self.limit = limit
    }

    /// The model's name.
    public var name: String { base.name }
    /// The model's.
    public var profile: ModelProfile { base.profile }

    /// Answers as the model does.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try await base.generate(request, into: sink)
    }

    /// Begins an answer with a decoder of the model.
    public func startAnswer(_ request: Request) async throws(CollabError) -> any TopLogprobAnswer {
        LogitAnswer(self, try await base.startDecoding(request))
    }
}

final class LogitAnswer: TopLogprobAnswer {
    private let model: TopsOfLogits
    private let decoder: any Decoder
    let usage: Usage
    let constraints: [Constraint]
    let keepsWhitespace: Bool
    private let state: Protected<State>

    private struct State {
        var row: Logits
        /// The listed tokens by their bytes, to be read as the tokens that they are.
        var tokens: [[UInt8]: TokenID] = [:]
    }

    init(_ model: TopsOfLogits, _ start: DecodingStart) {
        self.model = model
        decoder = start.decoder
        constraints = start.constraints
        keepsWhitespace = start.keepsWhitespace
        usage = Usage(promptTokens: start.promptTokens, cachedTokens: start.cachedTokens, calls: 1)
        state = Protected(State(row: start.logits))
    }

    func next(count: Int) async throws(CollabError) -> PartialDistribution {
        let tokenizer = model.base.tokenizer
        // Rows behind the vocabulary's end are padding.
        let row = state.withLock { $0.row }.cut(to: tokenizer.count)
        let normalizer = row.values.withUnsafeBufferPointer { Distribution.logSumExp($0) }
        guard normalizer.isFinite else {
            throw CollabError(.notFinite, "The logits of “\(model.name)” give no distribution.")
        }
        let wanted = min(count, model.limit ?? count)
        let top = row.values.withUnsafeBufferPointer { Distribution.topK(wanted, of: $0) }
        var entries: [PartialDistribution.Entry] = []
        var unnamed: [Double] = []
        var tokens: [[UInt8]: TokenID] = [:]
        for entry in top where entry.value > -.infinity {
            let (token, logprob) = (TokenID(entry.index), Double(entry.value) - normalizer)
            let isEnd = tokenizer.endTokens.contains(token)
            let bytes = isEnd ? [] : tokenizer.bytes(of: token)
            if !isEnd, bytes.isEmpty || tokenizer.isControl(token) {
                unnamed.append(logprob)
            } else {
                entries.append(PartialDistribution.Entry(bytes: bytes, logprob: logprob))
                // The first of several of equal bytes is the most probable one.
                if tokens[bytes] == nil { tokens[bytes] = token }
            }
        }
        state.withLock { [tokens] in $0.tokens = tokens }
        return PartialDistribution(entries, unnamed: unnamed, isWhole: top.count == row.count)
    }

    /// The bytes of the tokens that the model would write next, up to an end.
    func guesses(_ count: Int) async throws(CollabError) -> [[UInt8]] {
        let tokenizer = model.base.tokenizer
        let trial = try await decoder.fork()
        var row = state.withLock { $0.row }
        var guesses: [[UInt8]] = []
        while let token = row.cut(to: tokenizer.count).best, !tokenizer.endTokens.contains(token),
            !tokenizer.isControl(token)
        {
            guesses.append(tokenizer.bytes(of: token))
            guard guesses.count < count, trial.position < model.base.contextLength else { break }
            row = try await trial.append(token)
        }
        return guesses
    }

    func write(_ bytes: [UInt8]) async throws(CollabError) {
        let tokens: [TokenID]
        if let known = state.withLock({ $0.tokens[bytes] }) {
            tokens = [known]
        } else {
            tokens = try model.base.tokenizer.encode(continuing: String(decoding: bytes, as: UTF8.self))
        }
        guard !tokens.isEmpty, let row = try await decoder.append(tokens, logits: .last).last else { return }
        state.withLock { $0 = State(row: row) }
    }
}
