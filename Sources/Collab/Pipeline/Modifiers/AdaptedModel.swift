/// A model under another name, with standing instructions, options or a price of its own.
///
/// It gives exactly the access that its base gives: a logit model stays a logit model, a weight model a weight model,
/// and a collaboration is still traced as one.
public struct AdaptedModel<Base: TextModel>: TextModel {
    /// The model beneath.
    public let base: Base
    /// What to call the model.
    public let name: String
    /// The base's, unless the modifier says otherwise.
    public let profile: ModelProfile
    let adapt: @Sendable (Request) -> Request
    let finish: @Sendable (Response) -> Response
    /// Whether calls are booked at a price of this model's own.
    let isPriced: Bool

    init(
        _ base: Base,
        name: String? = nil,
        profile: ModelProfile? = nil,
        adapt: @escaping @Sendable (Request) -> Request = { $0 },
        finish: @escaping @Sendable (Response) -> Response = { $0 },
        isPriced: Bool = false
    ) {
        self.base = base
        self.name = name ?? base.name
        self.profile = profile ?? base.profile
        self.adapt = adapt
        self.finish = finish
        self.isPriced = isPriced
    }

    /// Answers as the base does to the adapted request.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        var adapted = adapt(Run.asked(request))
        let asked = adapted.options.maximumTokens
        if let allowance = Run.context?.allowance {
            // Options of the model's own do not lift what the run's budget allows.
            adapted.options.maximumTokens = min(asked ?? allowance.tokens, allowance.tokens)
        }
        let limited = adapted
        let answer: Response
        do throws(CollabError) {
            answer = try await Run.adjusting { context in
                context.allowance?.asked = asked
                context.isPriced = context.isPriced || isPriced
            } _: { () async throws(CollabError) in
                try await base.generate(limited, into: sink)
            }
        } catch { throw priced(error) }
        var response = finish(answer)
        if response.model == base.name { response.model = name }
        return response
    }

    /// The error, with its price on what an unfinished answer took.
    private func priced(_ error: CollabError) -> CollabError {
        guard isPriced, var unfinished = error.cause as? UnfinishedAnswer else { return error }
        var error = error
        unfinished.usage = finish(Response(text: unfinished.text, model: name, usage: unfinished.usage)).usage
        error.cause = unfinished
        return error
    }
}

extension AdaptedModel: Collaboration where Base: Collaboration {}

extension AdaptedModel: LogitModel where Base: LogitModel {
    /// The base's vocabulary.
    public var tokenizer: any Tokenizer { base.tokenizer }
    /// The base's context length.
    public var contextLength: Int { base.contextLength }
    /// The tokens of the adapted request.
    public func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try base.promptTokens(for: adapt(request))
    }
    /// The base's decoder.
    public func makeDecoder() async throws(CollabError) -> any Decoder { try await base.makeDecoder() }
    /// The base's start on the adapted request.
    public func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        try await base.startDecoding(adapt(request))
    }
    /// The base's start on tokens, which are taken as they are.
    public func startDecoding(reading tokens: [TokenID]) async throws(CollabError) -> DecodingStart {
        try await base.startDecoding(reading: tokens)
    }
}

extension AdaptedModel: TokenScoring where Base: TokenScoring {
    /// The base's scores after the adapted request.
    public func score(
        _ continuations: [String],
        after request: Request
    ) async throws(CollabError) -> [ScoredContinuation] {
        try await base.score(continuations, after: adapt(request))
    }
}

extension AdaptedModel: WeightModel where Base: WeightModel {
    /// The base's weights.
    public var checkpoint: any Checkpoint { base.checkpoint }
    /// The base over other weights, adapted in the same way.
    public func replacingWeights(with checkpoint: any Checkpoint) async throws(CollabError) -> any WeightModel
    {
        func adapted(_ model: some WeightModel) -> any WeightModel {
            AdaptedModel<_>(
                model,
                name: name,
                profile: profile,
                adapt: adapt,
                finish: finish,
                isPriced: isPriced
            )
        }
        return adapted(try await base.replacingWeights(with: checkpoint))
    }
}

extension TextModel {
    /// The same model under another name.
    public func named(_ name: String) -> AdaptedModel<Self> {
        AdaptedModel(self, name: name)
    }

    /// The same model with standing instructions in front of every request.
    ///
    /// A dialogue gets them as its system message, before one that is already there; a text to be continued gets
    /// them as its first paragraph.
    public func system(_ instructions: String) -> AdaptedModel<Self> {
        AdaptedModel(
            self,
            adapt: { request in
                guard case .completion(let text) = request.input else {
                    return request.prependingSystem(instructions)
                }
                var request = request
                request.input = .completion(instructions + "\n\n" + text)
                return request
            }
        )
    }

    /// The same model, which writes every answer with changed options.
    public func options(_ change: @escaping @Sendable (inout GenerationOptions) -> Void) -> AdaptedModel<Self>
    {
        AdaptedModel(
            self,
            adapt: { request in
                var request = request
                change(&request.options)
                return request
            }
        )
    }

    /// The same model, which chooses every token in a given way.
    public func sampling(_ sampling: Sampling) -> AdaptedModel<Self> {
        options { $0.sampling = sampling }
    }

    /// The same model, whose calls are booked at a price.
    ///
    /// A collaboration costs what its members cost: give them the prices.
    public func priced(_ price: Price) -> AdaptedModel<Self> {
        var known = profile
        known.price = price
        return AdaptedModel(
            self,
            profile: known,
            finish: { response in
                var response = response
                response.usage.cost = price.cost(of: response.usage)
                response.usage.unpricedCalls = 0
                return response
            },
            isPriced: true
        )
    }

    /// The same model, of which the program declares where its requests go.
    ///
    /// `.local` vouches for a server: private requests may be sent there.
    public func located(_ locality: ModelProfile.Locality) -> AdaptedModel<Self> {
        var known = profile
        known.locality = locality
        return AdaptedModel(self, profile: known)
    }

    /// The same model with further tags, by which whoever chooses among models may ask for it.
    public func tagged(_ tags: String...) -> AdaptedModel<Self> {
        var known = profile
        known.tags.formUnion(tags)
        return AdaptedModel(self, profile: known)
    }
}
