/// Names of OpenTelemetry's semantic conventions for generative AI (version 1.37) that are used here.
public enum GenAI {
    /// What the operation does: `chat`, or `text_completion`.
    public static let operation = "gen_ai.operation.name"
    /// Who serves the model.
    public static let provider = "gen_ai.provider.name"
    /// The model that is asked.
    public static let requestModel = "gen_ai.request.model"
    /// The most tokens that the answer may have.
    public static let maximumTokens = "gen_ai.request.max_tokens"
    /// The temperature of the sampling.
    public static let temperature = "gen_ai.request.temperature"
    /// The mass that nucleus sampling keeps.
    public static let topP = "gen_ai.request.top_p"
    /// From how many of the most probable tokens is drawn.
    public static let topK = "gen_ai.request.top_k"
    /// The texts at which an answer ends; told only where what was asked is.
    public static let stopSequences = "gen_ai.request.stop_sequences"
    /// Why the answer ended, as a list of one: `stop`, `length`, `content_filter`, `refusal`, `tool_calls`, or the
    /// server's own word.
    public static let finishReasons = "gen_ai.response.finish_reasons"
    /// The server's identifier of an answer; known here of failures alone.
    public static let responseID = "gen_ai.response.id"
    /// The seed of the sampling.
    public static let seed = "gen_ai.request.seed"
    /// Tokens read.
    public static let inputTokens = "gen_ai.usage.input_tokens"
    /// Tokens written.
    public static let outputTokens = "gen_ai.usage.output_tokens"
    /// What was asked, as JSON.
    public static let inputMessages = "gen_ai.input.messages"
    /// What was answered, as JSON.
    public static let outputMessages = "gen_ai.output.messages"
    /// Which tokens a metric counts: `input` or `output`.
    public static let tokenType = "gen_ai.token.type"
    /// The code of the error with which something ended.
    public static let errorType = "error.type"
    /// The metric of tokens: a histogram, by ``tokenType``.
    public static let tokenUsage = "gen_ai.client.token.usage"
    /// The metric of durations: a timer.
    public static let duration = "gen_ai.client.operation.duration"
}

/// Names for what the conventions have no name for.
public enum CollabTelemetry {
    /// The metric of calls: a counter, by model and outcome.
    public static let calls = "collab.calls"
    /// The metric of money: a counter in billionths of the unit of the prices, by model.
    public static let cost = "collab.cost.billionths"
    /// The cost of a call, as an attribute of its span.
    public static let spanCost = "collab.usage.cost"
    /// Whether a call is charged for, as an attribute of its span.
    public static let billing = "collab.billing"
    /// What sort of step a span is: `call`, `collaboration` or `stage`.
    public static let kind = "collab.kind"
    /// How a call ended: `finished`, `cached`, or the code of an error; a dimension of ``calls``.
    public static let outcome = "collab.outcome"
}
