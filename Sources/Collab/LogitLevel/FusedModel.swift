/// Models that write together, token by token, by a ``Fusion`` rule.
///
/// Each member renders the request for itself, so members may be roles of one model with different prompts, adapted
/// variants, or different models, as long as they share a vocabulary. All read every token that is written; the
/// members' steps run side by side, and a member that occurs twice is run once.
///
/// The trace of an answer notes what was fused, how often the base's favourite was changed, and how much each member had
/// to say, also where a model around the fusion has written it.
///
/// It is a logit model itself, so fusions nest. ``FuseLogits`` is its spelling in pipelines and
/// ``LogitFormula`` its spelling as arithmetic.
public struct FusedModel: LogitModel {
    /// What to call the fusion.
    public let name: String
    /// The members, in the order of the rule's weights.
    public let members: [any LogitModel]
    /// What the members have in common; a fused token costs one of each.
    public var profile: ModelProfile {
        var profile = ModelProfile(of: members)
        if members.count > 1 { profile.price = nil }
        return profile
    }
    /// How their distributions are combined.
    public let fusion: Fusion
    let leaves: FusionLeaves
    /// The name under which its random choices are drawn: the one that it would have if nothing guessed.
    let seedName: String
    /// What its answers will have to be, so that its mask leaves some of it.
    var constraints: [Constraint] = []

    /// Makes a fusion. Whether the members fit together is checked at the first call, or by ``validate()``.
    ///
    /// - Parameter name: what to call it; `nil` makes a name of the rule's and the members'.
    public init(_ name: String? = nil, _ fusion: Fusion, members: [any LogitModel]) {
        self.init(name, seedName: nil, fusion, members: members)
    }

    /// - Parameter seedName: the name under which random choices are drawn; `nil` for the name, or for one that is made of
    ///   the rule's and the members' in the same way.
    init(_ name: String?, seedName: String?, _ fusion: Fusion, members: [any LogitModel]) {
        func listing(_ names: [String]) -> String { "\(fusion.name) of \(names.joined(separator: ", "))" }
        self.name = name ?? listing(members.map(\.name))
        self.seedName = seedName ?? name ?? listing(members.map { Collab.seedName(of: $0) })
        self.members = members
        self.fusion = fusion
        leaves = FusionLeaves(members)
    }

    /// Checks that the members can be fused by the rule.
    ///
    /// Throws ``CollabError/Code/emptyTeam`` for no members, ``CollabError/Code/invalidRequest`` for weights that do
    /// not fit, and ``CollabError/Code/vocabularyMismatch`` for members with different vocabularies.
    public func validate() throws(CollabError) {
        _ = try plan()
    }

    func plan(losses: [Double]? = nil) throws(CollabError) -> FusionPlan {
        var plan = try FusionPlan(fusion, memberCount: members.count, losses: losses)
        if let first = members.first {
            plan.vocabularySize = first.tokenizer.count
            for other in members.dropFirst() { try checkVocabularies(first, other) }
        }
        return plan
    }

    /// The first member's vocabulary; an answer ends at any member's end tokens.
    public var tokenizer: any Tokenizer { FusedTokenizer(members.map(\.tokenizer)) }

    /// The shortest of the members' contexts.
    public var contextLength: Int { members.map(\.contextLength).min() ?? 0 }

    /// The request's tokens as the first member renders it; others may render it differently.
    public func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try validate()
        return try members[0].promptTokens(for: request)
    }

    /// A decoder that hands the same tokens to every member.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for a rule whose weights follow from the prompt.
    public func makeDecoder() async throws(CollabError) -> any Decoder {
        let plan = try plan()
        guard !fusion.readsPrompt else {
            throw CollabError(
                .invalidRequest,
                "The weights of “\(fusion.name)” follow from a prompt; start decoding with one."
            )
        }
        let decoders = try await concurrently(leaves.models) { (model) async throws(CollabError) in
            try await model.makeDecoder()
        }
        return FusedDecoder(
            plan: plan,
            leaves: leaves,
            decoders: decoders,
            start: nil,
            trail: makeTrail(plan)
        )
    }

    /// A decoder whose members have each read the request as they render it themselves.
    public func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        try await start { (model) async throws(CollabError) in
            try await model.startDecoding(request)
        } prompt: { (model) throws(CollabError) in
            try model.promptTokens(for: request)
        }
    }

    /// A decoder whose members have each read the same tokens.
    public func startDecoding(reading tokens: [TokenID]) async throws(CollabError) -> DecodingStart {
        try await start { (model) async throws(CollabError) in
            try await model.startDecoding(reading: tokens)
        } prompt: { _ in
            tokens
        }
    }

    private func start(
        _ begin: @escaping @Sendable (any LogitModel) async throws(CollabError) -> DecodingStart,
        prompt: @escaping @Sendable (any LogitModel) throws(CollabError) -> [TokenID]
    ) async throws(CollabError) -> DecodingStart {
        var plan = try plan()
        if fusion.readsPrompt { plan = try self.plan(losses: try await promptLosses(prompt)) }
        let starts = try await concurrently(leaves.models) { (model) async throws(CollabError) in
            do throws(CollabError) { return try await begin(model) } catch {
                throw error.within(model.name)
            }
        }
        let trail = makeTrail(plan)
        let step = try plan.fuse(
            leaves.expand(starts.map(\.logits)),
            names: leaves.names,
            leaving: try trail?.allowed(after: 0)
        )
        return DecodingStart(
            decoder: FusedDecoder(
                plan: plan,
                leaves: leaves,
                decoders: starts.map(\.decoder),
                start: step,
                trail: trail
            ),
            logits: step.logits,
            promptTokens: starts.reduce(0) { $0 + $1.promptTokens },
            cachedTokens: starts.reduce(0) { $0 + $1.cachedTokens },
            stopSequences: starts.flatMap(\.stopSequences),
            keepsWhitespace: starts.contains(where: \.keepsWhitespace),
            constraints: starts.flatMap(\.constraints)
        )
    }

    /// The beginning of what the constraints allow, if there are any and a mask has to know of them.
    private func makeTrail(_ plan: FusionPlan) -> ConstraintTrail? {
        plan.mayMask ? ConstraintTrail(constraints, tokenizer) : nil
    }
}

/// The models that a fusion runs: its members, each once.
struct FusionLeaves: Sendable {
    let models: [any LogitModel]
    let names: [String]
    /// For each member, its place among the models.
    private let places: [Int]

    init(_ members: [any LogitModel]) {
        var models: [any LogitModel] = []
        var identities: [ModelIdentity?] = []
        places = members.map { member in
            let identity = ModelIdentity(member)
            if let identity, let place = identities.firstIndex(of: identity) { return place }
            models.append(member)
            identities.append(identity)
            return models.count - 1
        }
        self.models = models
        names = members.map(\.name)
    }

    /// The model that plays a member.
    func place(of member: Int) -> Int { places[member] }

    /// One row a member from one row a model.
    func expand(_ rows: [Logits]) -> [Logits] { places.map { rows[$0] } }
}

/// The vocabulary that a fusion's members share.
struct FusedTokenizer: Tokenizer {
    private let first: (any Tokenizer)?
    let endTokens: Set<TokenID>

    init(_ members: [any Tokenizer]) {
        first = members.first
        endTokens = members.reduce(into: []) { $0.formUnion($1.endTokens) }
    }

    var count: Int { first?.count ?? 0 }
    var fingerprint: VocabularyFingerprint { first?.fingerprint ?? VocabularyFingerprint(count: 0, hash: 0) }
    func encode(_ text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] {
        try first?.encode(text, parsingSpecialTokens: parsingSpecialTokens) ?? []
    }
    func encode(continuing text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] {
        try first?.encode(continuing: text, parsingSpecialTokens: parsingSpecialTokens) ?? []
    }
    func bytes(of token: TokenID) -> [UInt8] { first?.bytes(of: token) ?? [] }
    func isControl(_ token: TokenID) -> Bool { first?.isControl(token) ?? false }
}
