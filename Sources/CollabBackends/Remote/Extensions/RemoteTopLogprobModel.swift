public import Collab

/// A remote model whose server tells the most probable next tokens after a prompt of tokens.
///
/// ```swift
/// let model = try RemoteModel("smollm2", at: "http://127.0.0.1:8080/v1", server: .llamaCPP).listingTops()
/// let fused = PartialFusion(.productOfExperts, members: [model, TopsOfLogits(local)])
/// ```
///
/// The prompt is turned into tokens once, by the server; after each token of the answer one more request of a single token
/// is made, for which the server computes what is new. vLLM also tells what would follow each of some guesses, in one
/// request, since it lists the most probable tokens at every place of a prompt.
public struct RemoteTopLogprobModel: TopLogprobModel {
    /// The model beneath, which answers.
    public let base: RemoteModel
    /// How many tokens the server lists at most; `nil`: as many as it is asked for.
    public let limit: Int?
    /// Texts of control tokens at which an answer ends.
    public let endings: Set<String>
    /// The tokens of these texts; found out once.
    private let endTokens = Protected<Set<TokenID>?>(nil)

    /// The model's name.
    public var name: String { base.name }
    /// What is known of the model beneath.
    public var profile: ModelProfile { base.profile }

    /// The control tokens at which common models end their answers.
    public static let commonEndings: Set<String> = [
        "<|im_end|>", "<|endoftext|>", "</s>", "<eos>", "<end_of_turn>", "<|eot_id|>", "<|end_of_text|>",
        "<|end|>",
    ]

    /// Answers as the model beneath.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try await base.generate(request, into: sink)
    }

    /// Begins an answer: turns the request into tokens.
    ///
    /// Throws what a call throws, and ``Collab/CollabError/Code/invalidRequest`` for a prompt of no tokens.
    public func startAnswer(_ request: Request) async throws(CollabError) -> any TopLogprobAnswer {
        if base.price == nil { try Run.checkPrice(of: name) }
        let prompt = try await base.promptTokens(for: request)
        guard !prompt.isEmpty else {
            throw CollabError(.invalidRequest, "The request has no tokens for \(name) to answer.")
        }
        return RemoteTopLogprobAnswer(self, prompt, endingAt: try await knownEndTokens())
    }

    /// The control tokens at which an answer ends. llama.cpp's server lists them without their texts, so they are known by
    /// their ids: an ending that is one token of this vocabulary.
    func knownEndTokens() async throws(CollabError) -> Set<TokenID> {
        if let known = endTokens.withLock({ $0 }) { return known }
        let spelled = try await concurrently(endings.sorted()) {
            (text) async throws(CollabError) -> [TokenID] in
            try await self.base.tokens(of: text)
        }
        let found = Set(spelled.compactMap { $0.count == 1 ? $0[0] : nil })
        endTokens.withLock { $0 = found }
        return found
    }

    // MARK: Texts

    /// The bytes of a token's text; none for an end, `nil` for one that is cut within a character or has no text.
    func bytes(of text: String) -> [UInt8]? {
        if endings.contains(text) { return [] }
        return text.isEmpty || text.contains("\u{FFFD}") ? nil : Array(text.utf8)
    }
}

extension RemoteModel {
    /// The same model with the access that a server gives which lists the most probable next tokens.
    ///
    /// - Parameters:
    ///   - limit: how many tokens the server lists at most; `nil`: as many as it is asked for by llama.cpp's server, and
    ///     20, what vLLM allows unless it is started with another `--max-logprobs`.
    ///   - endings: texts of control tokens at which an answer ends.
    ///
    /// Throws ``Collab/CollabError/Code/unsupported`` for a server that does not take tokens.
    public func listingTops(
        atMost limit: Int? = nil,
        endings: Set<String> = RemoteTopLogprobModel.commonEndings
    ) throws(CollabError) -> RemoteTopLogprobModel {
        guard let extensions = server.extensions else {
            throw CollabError(
                .unsupported,
                "\(server.name) does not go on from tokens; vLLM and llama.cpp's server do (server: .vLLM, .llamaCPP)."
            )
        }
        return RemoteTopLogprobModel(
            base: self,
            limit: limit ?? (extensions == .vLLM ? 20 : nil),
            endings: endings
        )
    }
}
