/// A model that sees every request through a rule of its own: other instructions, or what others have found.
///
/// Fusing roles of one model compares or combines what it says under different prompts, for example with and
/// without the drafts of a debate:
///
/// ```swift
/// Team {
///     model.role("informed", informedBy: .drafts)
///     model.role("independent")
/// }
/// ```
public struct RoleModel<Base: LogitModel>: LogitModel {
    /// What to call the role.
    public let name: String
    /// The model that plays it.
    public let base: Base
    /// The base's.
    public var profile: ModelProfile { base.profile }
    let render: @Sendable (Request, [Draft]) -> Request
    let drafts: [Draft]

    /// Makes a role from a rule that turns a request, and the drafts known so far, into the model's own request.
    public init(
        _ name: String,
        of base: Base,
        render: @escaping @Sendable (_ request: Request, _ drafts: [Draft]) -> Request
    ) {
        self.init(name, of: base, drafts: [], render: render)
    }

    init(
        _ name: String,
        of base: Base,
        drafts: [Draft],
        render: @escaping @Sendable (Request, [Draft]) -> Request
    ) {
        self.name = name
        self.base = base
        self.drafts = drafts
        self.render = render
    }

    /// The base's vocabulary.
    public var tokenizer: any Tokenizer { base.tokenizer }
    /// The base's context.
    public var contextLength: Int { base.contextLength }

    /// The tokens of the role's own request.
    public func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try base.promptTokens(for: render(request, drafts))
    }

    /// A decoder of the base.
    public func makeDecoder() async throws(CollabError) -> any Decoder { try await base.makeDecoder() }

    /// A decoder of the base that has read the role's own request.
    public func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        try await base.startDecoding(render(request, drafts))
    }

    /// A decoder of the base that has read tokens, which are taken as they are.
    public func startDecoding(reading tokens: [TokenID]) async throws(CollabError) -> DecodingStart {
        try await base.startDecoding(reading: tokens)
    }

    /// Lets the base answer the role's own request.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        var response = try await base.generate(render(request, drafts), into: sink)
        response.model = name
        return response
    }
}

extension RoleModel: TokenScoring where Base: TokenScoring {
    /// The base's scores after the role's own request.
    public func score(
        _ continuations: [String],
        after request: Request
    ) async throws(CollabError) -> [ScoredContinuation] {
        try await base.score(continuations, after: render(request, drafts))
    }
}

extension RoleModel: WeightModel where Base: WeightModel {
    /// The base's weights.
    public var checkpoint: any Checkpoint { base.checkpoint }
    /// The same role of the base over other weights.
    public func replacingWeights(with checkpoint: any Checkpoint) async throws(CollabError) -> any WeightModel
    {
        playing(by: try await base.replacingWeights(with: checkpoint))
    }
    private func playing<Other: WeightModel>(by base: Other) -> any WeightModel {
        RoleModel<Other>(name, of: base, drafts: drafts, render: render)
    }
}

extension LogitModel {
    /// The model in a role: it answers the request that the closure makes of each request and of the drafts that
    /// earlier stages of a pipeline have left (none outside of pipelines).
    public func role(
        _ name: String,
        render: @escaping @Sendable (_ request: Request, _ drafts: [Draft]) -> Request
    ) -> RoleModel<Self> {
        RoleModel(name, of: self, render: render)
    }

    /// The model in a role with instructions and drafts of its own.
    ///
    /// - Parameters:
    ///   - name: what to call the role.
    ///   - instructions: what to put in front as a system message; `nil`: nothing.
    ///   - context: which of the earlier stages' drafts it sees.
    public func role(
        _ name: String,
        instructions: String? = nil,
        informedBy context: DraftContext = .nothing
    ) -> RoleModel<Self> {
        RoleModel(name, of: self) { request, known in
            let request = context.inform(request, of: known, for: name)
            return instructions.map { request.prependingSystem($0) } ?? request
        }
    }
}
