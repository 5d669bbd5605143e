/// A model whose logits a ``LogitProcessor`` changes before a token is chosen from them.
///
/// Log-probabilities that it reports are those of the changed distribution. Make one with
/// ``LogitModel/processed(by:)``.
public struct ProcessedModel<Base: LogitModel, Processor: LogitProcessor>: LogitModel {
    /// The model beneath.
    public let base: Base
    /// What changes its logits.
    public let processor: Processor

    /// The base's and the processor's names.
    public var name: String { "\(base.name) with \(processor.name)" }
    /// The base's.
    public var profile: ModelProfile { base.profile }
    /// The base's vocabulary.
    public var tokenizer: any Tokenizer { base.tokenizer }
    /// The most tokens a decoder can hold.
    public var contextLength: Int { base.contextLength }

    /// The tokens that a request becomes for the base.
    public func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try base.promptTokens(for: request)
    }

    /// A decoder that has read nothing yet; all that it reads counts as the answer.
    public func makeDecoder() async throws(CollabError) -> any Decoder {
        let state = try processor.start(after: [])
        return ProcessedDecoder(try await base.makeDecoder(), processor, model: self, states: [state])
    }

    /// A decoder that has read a request, after which the answer begins.
    public func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        let state = try processor.start(after: try base.promptTokens(for: request))
        return try processing(try await base.startDecoding(request), in: state)
    }

    /// A decoder that has read the tokens of a prompt, after which the answer begins.
    public func startDecoding(reading tokens: [TokenID]) async throws(CollabError) -> DecodingStart {
        let state = try processor.start(after: tokens)
        return try processing(try await base.startDecoding(reading: tokens), in: state)
    }

    private func processing(
        _ start: DecodingStart,
        in state: Processor.State
    ) throws(CollabError) -> DecodingStart {
        var start = start
        try processor.process(&start.logits, in: state)
        start.decoder = ProcessedDecoder(start.decoder, processor, model: self, states: [state])
        return start
    }
}

extension LogitModel {
    /// The model with its logits changed before a token is chosen from them.
    ///
    /// Several processors are applied in the order in which they are added.
    public func processed<Processor: LogitProcessor>(
        by processor: Processor
    ) -> ProcessedModel<Self, Processor> {
        ProcessedModel(base: self, processor: processor)
    }
}

/// A decoder whose logits are changed on their way out.
private final class ProcessedDecoder<Processor: LogitProcessor>: BoundedDecoder, NotingDecoder {
    private let base: any Decoder
    private let processor: Processor
    private let model: any LogitModel
    /// Where the answer begins.
    private let first: Int
    /// The states after the answer's first 0, 1, … tokens.
    private let states: Protected<[Processor.State]>

    init(
        _ base: any Decoder,
        _ processor: Processor,
        model: any LogitModel,
        states: [Processor.State],
        first: Int? = nil
    ) {
        self.base = base
        self.processor = processor
        self.model = model
        self.first = first ?? base.position
        self.states = Protected(states)
    }

    var position: Int { base.position }

    var room: Int { (base as? any BoundedDecoder)?.room ?? model.contextLength - base.position }

    func didChoose(_ token: TokenID, at position: Int) {
        (base as? any BoundedDecoder)?.didChoose(token, at: position)
    }

    func note() { (base as? any NotingDecoder)?.note() }

    func inheritNotes(of other: any Decoder) {
        guard let other = other as? Self else { return }
        (base as? any NotingDecoder)?.inheritNotes(of: other.base)
    }

    func notes(choosing token: TokenID?) -> @Sendable () -> Void {
        guard let noting = base as? any NotingDecoder else { return {} }
        return noting.notes(choosing: token)
    }

    func append(_ tokens: [TokenID], logits: LogitSelection) async throws(CollabError) -> [Logits] {
        let known = states.withLock { $0 }
        guard var state = known.last else { return [] }
        var new: [Processor.State] = []
        for token in tokens {
            try processor.advance(&state, by: token)
            new.append(state)
        }
        let start = base.position
        var rows = try await base.append(tokens, logits: logits)
        do throws(CollabError) {
            for (index, state) in new.suffix(rows.count).enumerated() {
                try processor.process(&rows[index], in: state)
            }
        } catch {
            try await base.truncate(to: start)
            throw error
        }
        states.withLock { $0 += new }
        return rows
    }

    func truncate(to count: Int) async throws(CollabError) {
        guard count >= first else {
            throw CollabError(
                .invalidRequest,
                "\(model.name) was asked to go back to \(count) tokens, behind the \(first) of the prompt."
            )
        }
        try await base.truncate(to: count)
        states.withLock { states in
            if states.count > count - first + 1 { states.removeLast(states.count - (count - first + 1)) }
        }
    }

    func fork() async throws(CollabError) -> any Decoder {
        ProcessedDecoder(
            try await base.fork(),
            processor,
            model: model,
            states: states.withLock { $0 },
            first: first
        )
    }
}
