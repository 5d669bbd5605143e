public import Collab

/// A remote model whose server tells how probable it finds given texts: one that scores prompts.
///
/// ```swift
/// let model = try RemoteModel("Qwen/Qwen3-8B", at: "http://127.0.0.1:8000/v1", server: .vLLM).scoring()
/// let scores = try await model.score([" Paris", " Rome"], after: .completion("The capital of France is"))
/// ```
///
/// The prompt and each continuation are turned into tokens by vLLM or llama.cpp's server and sent as ids, so that the
/// border between them is exact; a continuation is cut into tokens by itself, as a native model cuts it.
///
/// - vLLM scores a whole text in one request (`echo` with no token to write).
/// - llama.cpp's server ignores `echo`, but it reports a written token's probability as it was before any bias. So each
///   token of a continuation is made to be written by a bias that nothing can outweigh: a request a token, of which the
///   server computes only what is new. Good for labels, slow for long texts.
/// - Other servers of OpenAI's protocol are sent a text and echo it with the place of each token; see
///   ``score(_:after:)``. Hosted services have mostly taken that away.
public struct RemoteScoringModel: TokenScoring {
    /// The model beneath, which answers.
    public let base: RemoteModel
    /// The model's name.
    public var name: String { base.name }
    /// What is known of the model beneath.
    public var profile: ModelProfile { base.profile }

    /// Answers as the model beneath.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try await base.generate(request, into: sink)
    }

    /// The natural log-probability of each continuation after the request's prompt, with its tokens.
    ///
    /// The prompt is turned into tokens once; the continuations are scored side by side, and a server with a cache of
    /// prompts computes their common beginning once.
    ///
    /// A server that is sent texts rather than tokens cuts the prompt and the continuation into tokens as one text. So a
    /// continuation should begin with the white space before it: where the last token of the prompt reaches into it,
    /// nothing is scored. Dialogues cannot be scored there, since nobody knows the text that they become.
    ///
    /// Throws what a call throws, ``Collab/CollabError/Code/invalidRequest`` for a prompt of no tokens or one whose last
    /// token reaches into the continuation, ``Collab/CollabError/Code/unsupported`` for a dialogue, and
    /// ``Collab/CollabError/Code/malformedResponse`` if the server does not score what it was given.
    public func score(
        _ continuations: [String],
        after request: Request
    ) async throws(CollabError) -> [ScoredContinuation] {
        if base.price == nil { try Run.checkPrice(of: name) }
        if base.server.extensions == nil { return try await echoedScores(of: continuations, after: request) }
        let prompt = try await base.promptTokens(for: request)
        guard !prompt.isEmpty else {
            throw CollabError(
                .invalidRequest,
                "The request has no tokens for \(name) to score anything after."
            )
        }
        try await base.findContinuationRule()
        return try await concurrently(continuations) { (text) async throws(CollabError) in
            let tokens = try await base.tokens(continuing: text)
            if tokens.isEmpty { return ScoredContinuation(text: text, tokenLogprobs: []) }
            let logprobs =
                base.server.extensions == .llamaCPP
                ? try await forcedLogprobs(of: tokens, after: prompt)
                : try await logprobs(of: prompt + tokens).suffix(tokens.count)
            return ScoredContinuation(text: text, tokenLogprobs: Array(logprobs))
        }
    }

    /// The natural log-probability of each token, by making the server write it.
    private func forcedLogprobs(
        of tokens: [TokenID],
        after prompt: [TokenID]
    ) async throws(CollabError) -> [Double] {
        var read = prompt
        var logprobs: [Double] = []
        for token in tokens {
            let body: JSONObject = [
                "model": .string(base.model), "prompt": .array(read.map { .integer(Int64($0)) }),
                "max_tokens": 1, "logprobs": 1, "temperature": 0, "cache_prompt": true,
                "logit_bias": .object(["\(token)": .double(Self.overwhelming)]),
            ]
            let answer = try await base.endpoint.fetchJSON(
                "POST",
                "completions",
                body: JSONValue.object(body).encoded(),
                model: base.model
            )
            spend(answer)
            let written = answer["choices"]?[0]?["logprobs"]?["content"]?[0]
            guard let logprob = written?["logprob"]?.doubleValue, written?["id"]?.intValue == Int(token)
            else {
                throw base.malformed("it does not tell how probable the token \(token) is")
            }
            guard logprob < 0.01 else {
                throw base.malformed("some of its scores are no log-probabilities")
            }
            logprobs.append(logprob)
            read.append(token)
        }
        return logprobs
    }

    /// Reports what an answer says that it used, at the model's price.
    func spend(_ answer: JSONValue) {
        Run.spend(
            (ChatCompletionsDecoder.usage(answer["usage"]) ?? Usage()).priced(at: base.price)
        )
    }

    /// Logits differ by some tens.
    private static let overwhelming = 10_000.0

    /// The natural log-probability of every token but the first, each after those before it.
    private func logprobs(of tokens: [TokenID]) async throws(CollabError) -> [Double] {
        let body: JSONObject = [
            "model": .string(base.model), "prompt": .array(tokens.map { .integer(Int64($0)) }),
            "echo": true, "max_tokens": 0, "logprobs": 0, "temperature": 0,
        ]
        let answer = try await base.endpoint.fetchJSON(
            "POST",
            "completions",
            body: JSONValue.object(body).encoded(),
            model: base.model
        )
        spend(answer)
        guard let entries = answer["choices"]?[0]?["logprobs"]?["token_logprobs"]?.arrayValue,
            entries.count >= tokens.count
        else { throw base.malformed("it does not score the \(tokens.count) tokens that it was given") }
        // The first token has nothing before it, and servers say null.
        let values = entries[1..<tokens.count].compactMap(\.doubleValue)
        guard values.count == tokens.count - 1, values.allSatisfy({ $0 < 0.01 }) else {
            throw base.malformed("some of its scores are no log-probabilities")
        }
        return values
    }
}

extension RemoteModel {
    /// The same model with the access that a server gives which scores prompts.
    ///
    /// Throws ``Collab/CollabError/Code/unsupported`` for a server that does not.
    public func scoring() throws(CollabError) -> RemoteScoringModel {
        guard server.extensions != nil || server.dialect == .chatCompletions && server.echoesPrompts else {
            throw CollabError(
                .unsupported,
                "\(server.name) does not score texts; vLLM and llama.cpp's server do, and others that echo a prompt "
                    + "(server: .vLLM, .llamaCPP, .compatible)."
            )
        }
        return RemoteScoringModel(base: self)
    }
}
