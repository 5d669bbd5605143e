public import Collab

/// Something that a server can do beyond the protocol, for every request of a model.
///
/// ```swift
/// var settings = RemoteSettings()
/// settings.options = [.choices(["yes", "no"]), .logitBias([42: -100])]
/// let model = try RemoteModel("my-model", at: "http://127.0.0.1:8000/v1", server: .vLLM, settings: settings)
/// ```
///
/// An option that the server does not have is refused when the model is made, with
/// ``Collab/CollabError/Code/unsupported``. What has no option here goes into ``RemoteSettings/extras``.
public struct ServerOption: Sendable, Hashable {
    /// What to call it in errors.
    public let name: String
    /// The fields of each server that has it.
    private let fields: [ServerExtensions: JSONObject]
    /// The fields of every other server that speaks chat completions; `nil` if those do not have it.
    private let common: JSONObject?

    private init(
        _ name: String,
        llamaCPP: JSONObject? = nil,
        vLLM: JSONObject? = nil,
        common: JSONObject? = nil
    ) {
        self.name = name
        self.common = common
        var fields: [ServerExtensions: JSONObject] = [:]
        fields[.llamaCPP] = llamaCPP ?? common
        fields[.vLLM] = vLLM ?? common
        self.fields = fields
    }

    /// The answer is JSON of a schema. Servers of OpenAI's protocol have it.
    public static func jsonSchema(_ schema: JSONValue, name: String = "answer") -> ServerOption {
        ServerOption(
            "a JSON schema",
            common: [
                "response_format": [
                    "type": "json_schema",
                    "json_schema": ["name": .string(name), "strict": true, "schema": schema],
                ]
            ]
        )
    }

    /// The answer is one of several texts (vLLM; for llama.cpp as a grammar).
    public static func choices(_ texts: [String]) -> ServerOption {
        let quoted = texts.map { JSONValue.string($0).description }
        return ServerOption(
            "a set of choices",
            llamaCPP: ["grammar": .string("root ::= " + quoted.joined(separator: " | "))],
            vLLM: ["structured_outputs": ["choice": .array(texts.map { .string($0) })]]
        )
    }

    /// The answer matches a regular expression (vLLM).
    public static func regularExpression(_ expression: String) -> ServerOption {
        ServerOption("a regular expression", vLLM: ["structured_outputs": ["regex": .string(expression)]])
    }

    /// The answer follows a grammar: GBNF for llama.cpp, the server's own form for vLLM.
    public static func grammar(_ grammar: String) -> ServerOption {
        ServerOption(
            "a grammar",
            llamaCPP: ["grammar": .string(grammar)],
            vLLM: ["structured_outputs": ["grammar": .string(grammar)]]
        )
    }

    /// Numbers that are added to the logits of tokens.
    public static func logitBias(_ bias: [TokenID: Double]) -> ServerOption {
        var map = JSONObject()
        for (token, value) in bias.sorted(by: { $0.key < $1.key }) { map["\(token)"] = .double(value) }
        return ServerOption("a bias of logits", common: ["logit_bias": .object(map)])
    }

    /// The only tokens that may be written (vLLM).
    public static func allowedTokens(_ tokens: [TokenID]) -> ServerOption {
        ServerOption(
            "a set of allowed tokens",
            vLLM: ["allowed_token_ids": .array(tokens.map { .integer(Int64($0)) })]
        )
    }

    /// Tokens come with their ids (vLLM; llama.cpp tells them anyway).
    public static let tokenIDs = ServerOption(
        "ids of tokens",
        llamaCPP: [:],
        vLLM: ["return_token_ids": true]
    )

    /// Tokens and their alternatives come as ids in the place of texts (vLLM; llama.cpp tells ids anyway). That is
    /// exact where several tokens have the same text; ``RemoteModel/spelling(_:)`` asks for their bytes.
    public static let tokensAsIDs = ServerOption(
        "tokens as ids",
        llamaCPP: [:],
        vLLM: ["return_tokens_as_token_ids": true]
    )

    /// The usage comes with every piece, so that it is exact even for an answer that breaks off (vLLM).
    public static let runningUsage = ServerOption(
        "running usage",
        vLLM: ["stream_options": ["continuous_usage_stats": true]]
    )

    /// Whether the server may reuse what it has computed of the prompt's beginning (llama.cpp).
    public static func reusesPrompt(_ isReused: Bool) -> ServerOption {
        ServerOption("reuse of prompts", llamaCPP: ["cache_prompt": .bool(isReused)])
    }

    /// Which of the server's slots answers (llama.cpp).
    public static func slot(_ number: Int) -> ServerOption {
        ServerOption("slots", llamaCPP: ["id_slot": .integer(Int64(number))])
    }

    /// How much of each loaded low-rank adapter is in force, by its number (llama.cpp; with vLLM an adapter is a model
    /// with a name of its own).
    public static func adapters(_ scales: [Int: Double]) -> ServerOption {
        let entries = scales.sorted { $0.key < $1.key }.map { number, scale -> JSONValue in
            ["id": .integer(Int64(number)), "scale": .double(scale)]
        }
        return ServerOption("adapters by request", llamaCPP: ["lora": .array(entries)])
    }

    /// The fields to send.
    ///
    /// Throws ``Collab/CollabError/Code/unsupported`` if the server does not have the option.
    func fields(for server: ServerKind) throws(CollabError) -> JSONObject {
        let found = server.dialect != .chatCompletions ? nil : server.extensions.map { fields[$0] } ?? common
        guard let found else {
            throw CollabError(.unsupported, "\(server.name) does not have \(name).")
        }
        return found
    }
}
