public import Collab

/// A remote model whose server tells the most probable next tokens after a text, but knows no tokens by their numbers:
/// OpenAI's protocol and nothing more.
///
/// ```swift
/// let model = try RemoteModel("davinci-002", at: "https://api.openai.com/v1", key: key, server: .openAI)
///     .listingTopsOfTexts()
/// let fused = PartialFusion(.productOfExperts, members: [model, TopsOfLogits(local)])
/// ```
///
/// After each token of the answer the whole text is sent again, one token is asked for, and the server lists what it
/// might have been. Where it keeps no prompts, a prompt is paid for once a token of the answer: this is for short answers.
///
/// - A text to be continued goes to `completions`. OpenAI lists five tokens there, other servers more.
/// - A dialogue goes to `chat/completions` with the answer so far as its last message, for which the server has to be told
///   to go on with it (``AnswerPrefix``). OpenAI's own chat cannot.
///
/// What has been written is cut into tokens anew by the server each time. Where it would have written other tokens itself,
/// what it says is about the text as it cuts it.
///
/// An end of the answer is known by its text, or by the server's stopping where it is most probable. Some servers then list
/// nothing: the model is taken to be sure of the end, and the token's certainty is approximate
/// (`PartialDistribution.isAssumed`). A text that ends within a character cannot be sent, so there the model knows nothing.
public struct RemoteTextTopsModel: TopLogprobModel {
    /// The model beneath, which answers.
    public let base: RemoteModel
    /// How many tokens the server lists at most.
    public let limit: Int?
    /// Texts of control tokens at which an answer ends.
    public let endings: Set<String>
    /// How the server is told to go on with the answer to a dialogue; `nil`: it cannot be.
    public let prefix: AnswerPrefix?

    /// The model's name.
    public var name: String { base.name }
    /// What is known of the model beneath.
    public var profile: ModelProfile { base.profile }

    /// Answers as the model beneath.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try await base.generate(request, into: sink)
    }

    /// Begins an answer; nothing is sent yet.
    ///
    /// Throws ``Collab/CollabError/Code/invalidRequest`` for an empty prompt and ``Collab/CollabError/Code/unsupported`` for
    /// a dialogue whose answer the server cannot be told to go on with, or that has more than plain text.
    public func startAnswer(_ request: Request) async throws(CollabError) -> any TopLogprobAnswer {
        try request.validate()
        if base.price == nil { try Run.checkPrice(of: name) }
        switch request.input {
        case .completion(let text):
            guard !text.isEmpty else {
                throw CollabError(.invalidRequest, "The request has no text for \(name) to continue.")
            }
        case .dialogue(let messages):
            guard prefix != nil else {
                throw CollabError(
                    .unsupported,
                    "\(name) goes on from texts. To let it go on with the answer to a dialogue, say how its server is told "
                        + "to: listingTopsOfTexts(prefix:)."
                )
            }
            guard messages.allSatisfy(\.isPlainText) else {
                throw CollabError(.unsupported, "\(name) goes on from plain text alone.")
            }
        }
        return RemoteTextTopsAnswer(self, request.input)
    }
}

extension RemoteModel {
    /// The same model with the access that any server of OpenAI's protocol gives which lists the most probable tokens.
    ///
    /// Servers of vLLM and llama.cpp give more: see ``listingTops(atMost:endings:)``.
    ///
    /// - Parameters:
    ///   - limit: how many tokens the server lists at most. OpenAI's completions list 5 and chats 20; a server that is
    ///     asked for more than it gives refuses the request.
    ///   - endings: texts of control tokens at which an answer ends.
    ///   - prefix: how the server is told to go on with the answer to a dialogue; `nil`: it cannot be.
    ///
    /// Throws ``Collab/CollabError/Code/invalidRequest`` for a limit below 1, and
    /// ``Collab/CollabError/Code/unsupported`` for another protocol or a server that tells no log-probabilities.
    public func listingTopsOfTexts(
        atMost limit: Int = 5,
        endings: Set<String> = RemoteTopLogprobModel.commonEndings,
        prefix: AnswerPrefix? = nil
    ) throws(CollabError) -> RemoteTextTopsModel {
        guard limit > 0 else {
            throw CollabError(.invalidRequest, "\(limit) tokens cannot be listed; the least is 1.")
        }
        guard server.dialect == .chatCompletions, server.maximumAlternatives != 0 else {
            throw CollabError(
                .unsupported,
                "\(server.name) does not list the most probable tokens; servers of OpenAI's completions may."
            )
        }
        return RemoteTextTopsModel(base: self, limit: limit, endings: endings, prefix: prefix)
    }
}
