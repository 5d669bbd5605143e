public import Collab

/// A remote model whose server tells how probable it finds given texts: one that scores prompts.
///
/// ```swift
/// let model = try RemoteModel("Qwen/Qwen3-8B", at: "http://127.0.0.1:8000/v1", server: .vLLM).scoring()
/// let scores = try await model.score([" Paris", " Rome"], after: .completion("The capital of France is"))
/// ```
///
/// The prompt and each continuation are turned into tokens by the server and sent as ids (`echo` with no token to
/// write), so that the border between them is exact; a continuation is cut into tokens by itself, as a native model
/// cuts it. vLLM has this; llama.cpp's server ignores `echo`, and hosted services have taken it away.
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
    /// Throws what a call throws, ``Collab/CollabError/Code/invalidRequest`` for a prompt of no tokens, and
    /// ``Collab/CollabError/Code/malformedResponse`` if the server does not score what it was given.
    public func score(
        _ continuations: [String],
        after request: Request
    ) async throws(CollabError) -> [ScoredContinuation] {
        if base.price == nil { try Run.checkPrice(of: name) }
        let prompt = try await base.promptTokens(for: request)
        guard !prompt.isEmpty else {
            throw CollabError(
                .invalidRequest,
                "The request has no tokens for \(name) to score anything after."
            )
        }
        return try await concurrently(continuations) { (text) async throws(CollabError) in
            let tokens = try await base.tokens(of: text)
            if tokens.isEmpty { return ScoredContinuation(text: text, tokenLogprobs: []) }
            let logprobs = try await logprobs(of: prompt + tokens)
            return ScoredContinuation(text: text, tokenLogprobs: Array(logprobs.suffix(tokens.count)))
        }
    }

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
        guard server.extensions == .vLLM else {
            throw CollabError(
                .unsupported,
                "\(server.name) does not score prompts; vLLM does (server: .vLLM)."
            )
        }
        return RemoteScoringModel(base: self)
    }
}
