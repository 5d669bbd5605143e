/// A model that can only write what a ``Constraint`` allows.
///
/// Make one with ``LogitModel/constrained(to:)``. It works for whatever shows logits, a single model or a fusion, and the
/// tokens that are allowed keep their proportions: the distribution at each place is the model's own, renormalised over
/// what can still become an allowed text. An answer may end where it is one, and must end where nothing else is possible.
/// The mask of a fusion leaves some of what is allowed, whatever the fusion is wrapped in.
///
/// Its answers, and those of whatever is made of it, are what the constraint demands, or an error:
/// ``CollabError/Code/unfinishedAnswer``, with an ``UnfinishedAnswer`` as its cause, if the answer ends before it is one,
/// at the token limit, when the run's time is up, or at a stop sequence; ``CollabError/Code/nothingToSample`` if the
/// vocabulary cannot spell what the constraint demands.
public struct ConstrainedModel<Base: LogitModel>: LogitModel {
    /// The model beneath.
    public let base: Base
    /// What its answers have to look like.
    public let constraint: Constraint
    let processed: ProcessedModel<Base, ConstraintProcessor>

    init(_ base: Base, _ constraint: Constraint) {
        self.base = base
        self.constraint = constraint
        processed = Collab.informed(base, of: constraint).processed(
            by: ConstraintProcessor(constraint, base.tokenizer)
        )
    }

    /// The base's and the constraint's names.
    public var name: String { processed.name }
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

    /// A decoder that has read nothing yet; all that it reads is constrained.
    public func makeDecoder() async throws(CollabError) -> any Decoder { try await processed.makeDecoder() }

    /// A decoder that has read a request, after which the constraint begins.
    public func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        demanding(try await processed.startDecoding(request))
    }

    /// A decoder that has read the tokens of a prompt, after which the constraint begins.
    public func startDecoding(reading tokens: [TokenID]) async throws(CollabError) -> DecodingStart {
        demanding(try await processed.startDecoding(reading: tokens))
    }

    private func demanding(_ start: DecodingStart) -> DecodingStart {
        var start = start
        start.keepsWhitespace = true
        start.constraints.append(constraint)
        return start
    }
}

extension LogitModel {
    /// The model, able only to write what a constraint allows.
    ///
    /// Constrain last: whatever fuses, speculates or biases belongs beneath.
    public func constrained(to constraint: Constraint) -> ConstrainedModel<Self> {
        ConstrainedModel(self, constraint)
    }
}
