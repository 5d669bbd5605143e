internal import Collab

/// The protocol that a server speaks: how a request is written, and what the events of its answer mean.
public enum Dialect: String, Hashable, Sendable, CaseIterable {
    /// OpenAI's chat completions, which nearly all servers understand; texts to be continued go to completions.
    case chatCompletions
    /// OpenAI's Responses.
    case responses
    /// Anthropic's Messages.
    case anthropicMessages
    /// Ollama's own protocol: chat, and generate for texts to be continued.
    case ollama
}

extension Dialect {
    var coding: any DialectCoding {
        switch self {
        case .chatCompletions: ChatCompletionsCoding()
        case .responses: ResponsesCoding()
        case .anthropicMessages: AnthropicCoding()
        case .ollama: OllamaCoding()
        }
    }
}

/// What has to be known of a protocol.
protocol DialectCoding: Sendable {
    /// How a stream is cut into events.
    var framing: EventFraming.Kind { get }
    /// Where the key goes unless the settings say otherwise.
    var keyField: RemoteSettings.KeyField { get }
    /// Header fields that every request needs.
    var fields: [String: String] { get }
    /// The path that a request goes to, beneath the base address.
    func path(for request: Request) -> String
    /// The body of a request whose answer is to be streamed, without the settings' extra fields.
    ///
    /// Throws ``Collab/CollabError/Code/unsupported`` for what the protocol has no field for.
    func body(for request: Request, _ context: RequestContext) throws(CollabError) -> JSONObject
    /// The fields of a body that extra fields must not replace.
    var fixedFields: Set<String> { get }
    /// The path of the list of models, beneath the base address.
    var listPath: String { get }
    /// How vectors of texts are asked for; `nil` if the protocol has none.
    var embedding: (any EmbeddingCoding)? { get }
    /// Something that understands the events of an answer.
    func makeDecoder(alternatives: Int) -> any AnswerDecoder
}

extension DialectCoding {
    var framing: EventFraming.Kind { .serverSentEvents }
    var keyField: RemoteSettings.KeyField { .bearer }
    var fields: [String: String] { [:] }
    var listPath: String { "models" }
    var embedding: (any EmbeddingCoding)? { OpenAIEmbeddingCoding() }
}

/// Understands the events of an answer.
protocol AnswerDecoder: Sendable {
    /// What an event adds.
    ///
    /// - Parameters:
    ///   - event: its data.
    ///   - type: its name, where the framing has one.
    mutating func decode(_ event: JSONValue, type: String) throws(AnswerAssembly.Problem) -> AnswerUpdate
    /// What a whole answer says, of a server that does not stream.
    mutating func decodeWhole(_ answer: JSONValue) throws(AnswerAssembly.Problem) -> AnswerUpdate
}
