extension FuseBytes: TextModel, LogitModel where Members == Team<LogitAccess> {
    private var model: ByteFusion { fused(members.members) }

    /// The rule's and the members' names.
    public var name: String { model.name }
    /// The 256 bytes and the end.
    public var tokenizer: any Tokenizer { ByteTokenizer() }
    /// The shortest of the members' contexts, in tokens; it holds at least as many bytes.
    public var contextLength: Int { model.contextLength }

    /// The bytes of the request as the first member renders it.
    public func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try model.promptTokens(for: request)
    }
    /// A decoder that hands the same bytes to every member.
    public func makeDecoder() async throws(CollabError) -> any Decoder { try await model.makeDecoder() }
    /// A decoder whose members have each read the request.
    public func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        try await model.startDecoding(request)
    }
    /// A decoder whose members have each read the same bytes.
    public func startDecoding(reading bytes: [TokenID]) async throws(CollabError) -> DecodingStart {
        try await model.startDecoding(reading: bytes)
    }
    /// Writes an answer together.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try await model.generate(request, into: sink)
    }
    /// Checks that there are members, and that the rule's weights fit them.
    ///
    /// Throws ``CollabError/Code/emptyTeam`` or ``CollabError/Code/invalidRequest``.
    public func validate() throws(CollabError) { try model.validate() }
}

// Like FuseLogits with members of its own, it can stand behind any team, even one that only gives text.
extension FuseBytes: Stage where Members == Team<LogitAccess> {
    /// The fusion is one call, however many members take part in it.
    public func callRange(teamSize: Int) -> ClosedRange<Int> { 1...1 }

    /// Writes the answer with its own members, whose roles see the drafts so far, and settles on it.
    public func advance<Access: AccessLevel>(
        _ deliberation: inout Deliberation<Access>
    ) async throws(CollabError) {
        let drafts = deliberation.drafts
        let fusion = fused(
            members.members.map { ($0 as? any DraftInformed)?.informed(by: drafts) ?? $0 }
        )
        try fusion.validate()
        let response = try await fusion.respond(to: deliberation.request, into: deliberation.sink)
        deliberation.settle(onStreamed: response)
    }
}
