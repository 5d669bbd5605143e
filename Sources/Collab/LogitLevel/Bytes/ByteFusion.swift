/// A fusion whose members are read byte by byte.
struct ByteFusion: LogitModel {
    private let fused: FusedModel
    private let pruning: BytePruning
    private let lexicons: ByteLexicons
    private let members: [any LogitModel]
    private let constraints: [Constraint]

    init(
        _ fusion: Fusion,
        _ pruning: BytePruning,
        _ lexicons: ByteLexicons,
        _ members: [any LogitModel],
        _ constraints: [Constraint]
    ) {
        self.pruning = pruning
        self.lexicons = lexicons
        self.members = members
        self.constraints = constraints
        fused = Self.fused(fusion, Self.byteModels(of: members, pruning, lexicons), constraints)
    }

    private static func fused(
        _ fusion: Fusion,
        _ models: [ByteModel],
        _ constraints: [Constraint]
    ) -> FusedModel {
        constraints.reduce(FusedModel(nil, fusion, members: models)) { $0.informed(of: $1) }
    }

    /// The members' byte models; a model that occurs twice has one, so that it is run once.
    private static func byteModels(
        of members: [any LogitModel],
        _ pruning: BytePruning,
        _ lexicons: ByteLexicons
    ) -> [ByteModel] {
        var known: [ModelIdentity: ByteModel] = [:]
        return members.map { member in
            let identity = ModelIdentity(member)
            if let identity, let model = known[identity] { return model }
            let model = ByteModel(member, pruning: pruning, lexicons: lexicons)
            if let identity { known[identity] = model }
            return model
        }
    }

    var name: String { fused.name }
    var seedName: String { fused.seedName }
    var profile: ModelProfile { fused.profile }
    var tokenizer: any Tokenizer { ByteTokenizer() }
    var contextLength: Int { fused.contextLength }

    func validate() throws(CollabError) {
        try pruning.validate()
        try fused.validate()
    }

    func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try fused.promptTokens(for: request)
    }

    func makeDecoder() async throws(CollabError) -> any Decoder { try await fused.makeDecoder() }

    func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        try await fused.startDecoding(request)
    }

    func startDecoding(reading bytes: [TokenID]) async throws(CollabError) -> DecodingStart {
        try await fused.startDecoding(reading: bytes)
    }

    func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try request.options.validate(for: tokenizer)
        // Models of their own, so that the statistics are this answer's.
        let models = Self.byteModels(of: members, pruning, lexicons)
        let response = try await Self.fused(fused.fusion, models, constraints).generate(request, into: sink)
        var seen: Set<ByteModel.ID> = []
        noteByteStatistics(models.filter { seen.insert($0.id).inserted }.map { ($0.name, $0.statistics) })
        return response
    }
}
