/// Writes one answer with models of different vocabularies, token by token, in the tokens of all of them.
///
/// It is the fast neighbour of ``FuseBytes``: one pass of each member a token, and rules as of ``FuseLogits``, at the price
/// of being an approximation. A token that a member lacks has no probability for it, though the member may well write
/// the same text in several tokens. So
///
/// - a mixture (Y. Yu et al., *Breaking the Ceiling of the LLM Community by Treating Token Generation as a Classification
///   for Ensembling* (GaC), 2024) prefers what is a token for all,
/// - a product can write nothing else, and
/// - ``Fusion/sharedTop(_:)`` takes only what is among the favourites of all.
///
/// On English nearly all of the probability lies on shared tokens; on other scripts and emoji much of it does not:
/// ``UnionVocabulary/shared(_:)`` tells how many of a member's tokens are. A gate such as
/// `.gated(by: .confidence(below: 0.5))` fuses only where the first member is unsure.
///
/// ```swift
/// let together = FuseUnion(.mixture) {
///     smolLM2
///     gemma
/// }
/// ```
public struct FuseUnion: LogitModel {
    /// How the distributions are combined.
    public let fusion: Fusion
    /// Who writes.
    public let members: [any LogitModel]
    /// What its answers will have to be, so that its mask leaves some of it.
    var constraints: [Constraint] = []
    private let joined = Protected<UnionVocabulary?>(nil)

    /// Fuses members.
    public init(_ fusion: Fusion = .mixture, members: [any LogitModel]) {
        self.fusion = fusion
        self.members = members
    }

    /// Fuses members.
    public init<Access: LogitReadable>(
        _ fusion: Fusion = .mixture,
        @TeamBuilder members: () -> TeamMembers<Access>
    ) {
        self.init(fusion, members: members().members.map(Access.logitModel))
    }

    /// The members' vocabularies together; they are joined at the first call, which takes a moment.
    public func vocabulary() throws(CollabError) -> UnionVocabulary {
        if let known = joined.withLock({ $0 }) { return known }
        let vocabulary = try UnionVocabulary(of: members)
        joined.withLock { $0 = vocabulary }
        return vocabulary
    }

    func fused() throws(CollabError) -> FusedModel {
        let vocabulary = try vocabulary()
        var known: [ModelIdentity: UnionModel] = [:]
        var models: [any LogitModel] = []
        for member in members {
            let identity = ModelIdentity(member)
            if let identity, let model = known[identity] {
                models.append(model)
                continue
            }
            let model = try UnionModel(member, in: vocabulary)
            if let identity { known[identity] = model }
            models.append(model)
        }
        return constraints.reduce(FusedModel(nil, fusion, members: models)) { $0.informed(of: $1) }
    }

    /// The rule's and the members' names.
    public var name: String { "\(fusion.name) of \(members.map(\.name).joined(separator: ", "))" }
    /// What the members have in common, but no price.
    public var profile: ModelProfile {
        var profile = ModelProfile(of: members)
        if members.count > 1 { profile.price = nil }
        return profile
    }
    /// The members' vocabularies together; the first member's alone if there are no members.
    public var tokenizer: any Tokenizer { (try? vocabulary()) ?? FusedTokenizer(members.map(\.tokenizer)) }
    /// The shortest of the members' contexts, in their own tokens.
    public var contextLength: Int { members.map(\.contextLength).min() ?? 0 }

    /// Checks that there are members, and that the rule's weights fit them.
    ///
    /// Throws ``CollabError/Code/emptyTeam`` or ``CollabError/Code/invalidRequest``.
    public func validate() throws(CollabError) { _ = try FusionPlan(fusion, memberCount: members.count) }

    /// The tokens with a text of the request as the first member renders it.
    public func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try fused().promptTokens(for: request)
    }
    /// A decoder that hands the same text to every member.
    public func makeDecoder() async throws(CollabError) -> any Decoder { try await fused().makeDecoder() }
    /// A decoder whose members have each read the request.
    public func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        try await fused().startDecoding(request)
    }
    /// A decoder whose members have each read the same text.
    public func startDecoding(reading tokens: [TokenID]) async throws(CollabError) -> DecodingStart {
        try await fused().startDecoding(reading: tokens)
    }
    /// Writes an answer together.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try await fused().generate(request, into: sink)
    }
}
