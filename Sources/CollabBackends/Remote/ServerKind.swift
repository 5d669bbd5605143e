/// What a server understands: its protocol, and what it knows beyond the least that all servers of it have in common.
///
/// Options that a server has no field for are refused with ``Collab/CollabError/Code/unsupported`` rather than silently
/// dropped.
///
/// ```swift
/// let local = try RemoteModel("smollm2", at: "http://127.0.0.1:8080/v1", server: .llamaCPP)
/// ```
public struct ServerKind: Hashable, Sendable {
    /// What to call it in errors.
    public var name: String
    /// The protocol that it speaks.
    public var dialect: Dialect
    /// Whose additions to the protocol it has; `nil`: nobody's that are known here.
    public var extensions: ServerExtensions?
    /// The field for the most tokens of an answer.
    public var tokenLimitField: String
    /// The field for the seed; `nil` if the server refuses one.
    public var seedField: String?
    /// The field for ``Collab/Sampling/topK``.
    public var topKField: String?
    /// The field for ``Collab/Sampling/minP``.
    public var minPField: String?
    /// The field for ``Collab/Sampling/repetitionPenalty``.
    public var repetitionPenaltyField: String?
    /// The field for ``Collab/Sampling/repetitionWindow``.
    public var repetitionWindowField: String?
    /// The most alternatives a token may have; `nil` if the server sets no limit, 0 if it tells no log-probabilities.
    public var maximumAlternatives: Int?
    /// Whether the model takes a temperature and a top-p; those that do not choose for themselves.
    public var takesSampling: Bool
    /// Whether Responses is asked for the thinking in an encrypted form, in which it can be sent back
    /// (``Collab/Message/assistant(_:)``) although the server keeps nothing. Models that do not think refuse that.
    public var encryptsThinking: Bool
    /// Whether the server may repeat a prompt with the score and place of each of its tokens (`echo`), as OpenAI's
    /// completions once did; it is found out when something is scored.
    public var echoesPrompts: Bool

    /// Describes a kind of server.
    public init(
        _ name: String,
        dialect: Dialect = .chatCompletions,
        extensions: ServerExtensions? = nil,
        tokenLimitField: String = "max_tokens",
        seedField: String? = "seed",
        topKField: String? = nil,
        minPField: String? = nil,
        repetitionPenaltyField: String? = nil,
        repetitionWindowField: String? = nil,
        maximumAlternatives: Int? = 20,
        takesSampling: Bool = true,
        encryptsThinking: Bool = false,
        echoesPrompts: Bool = false
    ) {
        self.name = name
        self.dialect = dialect
        self.extensions = extensions
        self.tokenLimitField = tokenLimitField
        self.seedField = seedField
        self.topKField = topKField
        self.minPField = minPField
        self.repetitionPenaltyField = repetitionPenaltyField
        self.repetitionWindowField = repetitionWindowField
        self.maximumAlternatives = maximumAlternatives
        self.takesSampling = takesSampling
        self.encryptsThinking = encryptsThinking
        self.echoesPrompts = echoesPrompts
    }

    /// Whatever speaks the protocol, Ollama's `/v1` for example.
    public static let compatible = ServerKind("an OpenAI-compatible server", echoesPrompts: true)
    /// OpenAI itself.
    public static let openAI = ServerKind("OpenAI", tokenLimitField: "max_completion_tokens")
    /// OpenAI's reasoning models, which take no temperature: sampling options are left out.
    public static let openAIReasoning = ServerKind(
        "OpenAI (reasoning)",
        tokenLimitField: "max_completion_tokens",
        takesSampling: false
    )
    /// OpenAI's Responses: no stop sequences, no seed; the server keeps nothing.
    public static let openAIResponses = ServerKind(
        "OpenAI (Responses)",
        dialect: .responses,
        tokenLimitField: "max_output_tokens",
        seedField: nil
    )
    /// The Responses of OpenAI's reasoning models: no temperature; their thinking comes encrypted, to be sent back.
    public static let openAIResponsesReasoning = ServerKind(
        "OpenAI (Responses, reasoning)",
        dialect: .responses,
        tokenLimitField: "max_output_tokens",
        seedField: nil,
        takesSampling: false,
        encryptsThinking: true
    )
    /// Anthropic: the base address is `https://api.anthropic.com/v1`, the key goes into `x-api-key`. No seed and no
    /// log-probabilities; where a request sets no limit of tokens it is 4,096, since the protocol demands one.
    public static let anthropic = ServerKind(
        "Anthropic",
        dialect: .anthropicMessages,
        seedField: nil,
        topKField: "top_k",
        maximumAlternatives: 0
    )
    /// Ollama by its own protocol: the base address is `http://127.0.0.1:11434`, without a path.
    public static let ollama = ServerKind(
        "Ollama",
        dialect: .ollama,
        tokenLimitField: "num_predict",
        topKField: "top_k",
        minPField: "min_p",
        repetitionPenaltyField: "repeat_penalty",
        repetitionWindowField: "repeat_last_n"
    )
    /// The server of llama.cpp.
    public static let llamaCPP = ServerKind(
        "llama.cpp",
        extensions: .llamaCPP,
        topKField: "top_k",
        minPField: "min_p",
        repetitionPenaltyField: "repeat_penalty",
        repetitionWindowField: "repeat_last_n",
        maximumAlternatives: nil
    )
    /// vLLM. Its repetition penalty looks at the whole context.
    public static let vLLM = ServerKind(
        "vLLM",
        extensions: .vLLM,
        topKField: "top_k",
        minPField: "min_p",
        repetitionPenaltyField: "repetition_penalty",
        maximumAlternatives: nil
    )
}
