// Replicas that all show their logits can be fused, contrasted and steered like one model. A decoder stays with the
// replica that opened it.

extension Replicas: LogitModel where Access: LogitReadable {
    private var models: [any LogitModel] { team.logitModels }

    /// The vocabulary, which all replicas share; an empty one without replicas.
    public var tokenizer: any Tokenizer { models.first?.tokenizer ?? ByteTokenizer() }

    /// What every replica can hold.
    public var contextLength: Int { models.map(\.contextLength).min() ?? 0 }

    /// The tokens of the request.
    public func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try team.validate()
        return try models[0].promptTokens(for: request)
    }

    /// A decoder of one of the replicas.
    ///
    /// Throws ``CollabError/Code/vocabularyMismatch`` if the replicas are not of one model.
    public func makeDecoder() async throws(CollabError) -> any Decoder {
        try checkSameness()
        return try await attempt("", nil) { (index, _) throws(CollabError) in
            let start = Run.now
            return (try await models[index].makeDecoder(), Run.now - start)
        }
    }

    /// The start on a request at one of the replicas.
    ///
    /// Throws ``CollabError/Code/vocabularyMismatch`` if the replicas are not of one model.
    public func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        try checkSameness()
        return try await attempt(request, nil) { (index, _) throws(CollabError) in
            let start = Run.now
            return (try await models[index].startDecoding(request), Run.now - start)
        }
    }

    /// The start on some tokens at one of the replicas.
    ///
    /// Throws ``CollabError/Code/vocabularyMismatch`` if the replicas are not of one model.
    public func startDecoding(reading tokens: [TokenID]) async throws(CollabError) -> DecodingStart {
        try checkSameness()
        // Texts that go together are recognised by what the tokens spell.
        let tokenizer = tokenizer
        let text = String(decoding: tokens.flatMap { tokenizer.bytes(of: $0) }, as: UTF8.self)
        return try await attempt(Request(.completion(text)), nil) { (index, _) throws(CollabError) in
            let start = Run.now
            return (try await models[index].startDecoding(reading: tokens), Run.now - start)
        }
    }

    private func checkSameness() throws(CollabError) {
        for model in models.dropFirst() { try checkVocabularies(models[0], model) }
    }
}
