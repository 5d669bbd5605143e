/// How a server is told to go on with the last message of a dialogue, the answer so far, instead of answering it.
///
/// OpenAI's protocol has no word for it, so servers have added their own.
public struct AnswerPrefix: Sendable {
    /// Fields of the last message.
    public var message: JSONObject
    /// Fields of the request.
    public var request: JSONObject

    /// Describes a way.
    public init(message: JSONObject = [:], request: JSONObject = [:]) {
        self.message = message
        self.request = request
    }

    /// The server goes on with a last message of the assistant without being told: llama.cpp's.
    public static let understood = AnswerPrefix()
    /// The last message is marked with `"prefix": true`: DeepSeek, Mistral.
    public static let marked = AnswerPrefix(message: ["prefix": true])
    /// The request says `"continue_final_message": true`: vLLM, SGLang.
    public static let continued = AnswerPrefix(
        request: ["continue_final_message": true, "add_generation_prompt": false]
    )
}
