public import Collab

extension RemoteModel {
    /// The tokens of a text, without any that mark a beginning; names of control tokens in it become those tokens, as
    /// the server has it.
    ///
    /// Throws ``Collab/CollabError/Code/unsupported`` for servers other than llama.cpp's and vLLM, and what a call
    /// throws.
    public func tokens(of text: String) async throws(CollabError) -> [TokenID] {
        switch try extensions() {
        case .llamaCPP:
            return try await tokens("tokenize", ["content": .string(text), "add_special": false])
        case .vLLM:
            return try await tokens(
                "tokenize",
                ["model": .string(model), "prompt": .string(text), "add_special_tokens": false]
            )
        }
    }

    /// The tokens that a request becomes: a dialogue through the server's chat template, up to where the answer begins.
    ///
    /// Throws what ``tokens(of:)`` throws, and `unsupported` for images, files and tools.
    public func promptTokens(for request: Request) async throws(CollabError) -> [TokenID] {
        let extensions = try extensions()
        switch (request.input, extensions) {
        case (.completion(let text), .llamaCPP):
            return try await tokens("tokenize", ["content": .string(text), "add_special": true])
        case (.completion(let text), .vLLM):
            return try await tokens("tokenize", ["model": .string(model), "prompt": .string(text)])
        case (.dialogue(let messages), .llamaCPP):
            let rendered = try await fetch("apply-template", ["messages": try turns(messages)])
            guard let prompt = rendered["prompt"]?.stringValue else { throw malformed("it holds no prompt") }
            return try await tokens("tokenize", ["content": .string(prompt), "add_special": true])
        case (.dialogue(let messages), .vLLM):
            return try await tokens("tokenize", ["model": .string(model), "messages": try turns(messages)])
        }
    }

    /// The text of tokens.
    ///
    /// Throws what ``tokens(of:)`` throws.
    public func text(of tokens: [TokenID]) async throws(CollabError) -> String {
        var body: JSONObject = ["tokens": .array(tokens.map { .integer(Int64($0)) })]
        let field: String
        switch try extensions() {
        case .llamaCPP: field = "content"
        case .vLLM: (field, body["model"]) = ("prompt", .string(model))
        }
        guard let text = try await fetch("detokenize", body)[field]?.stringValue else {
            throw malformed("it holds no text")
        }
        return text
    }

    private func extensions() throws(CollabError) -> ServerExtensions {
        guard let extensions = server.extensions else {
            throw CollabError(
                .unsupported,
                "\(server.name) does not tell its tokens; servers of llama.cpp and vLLM do (server: .llamaCPP, .vLLM)."
            )
        }
        return extensions
    }

    private func turns(_ messages: [Message]) throws(CollabError) -> JSONValue {
        guard messages.allSatisfy(\.isPlainText) else {
            throw CollabError(.unsupported, "Only plain text can be turned into tokens by \(server.name).")
        }
        return .array(
            messages.map { ["role": .string($0.role.rawValue), "content": .string($0.text)] }
        )
    }

    private func tokens(_ path: String, _ body: JSONObject) async throws(CollabError) -> [TokenID] {
        guard let entries = try await fetch(path, body)["tokens"]?.arrayValue else {
            throw malformed("it holds no tokens")
        }
        let tokens = entries.compactMap { $0.intValue.flatMap { TokenID(exactly: $0) } }
        guard tokens.count == entries.count else { throw malformed("its tokens are no ids") }
        return tokens
    }

    /// Asks one of the paths that stand beside the protocol's: `…/v1` belongs to the protocol alone.
    func fetch(_ path: String, _ body: JSONObject) async throws(CollabError) -> JSONValue {
        try await endpoint.root().fetchJSON(
            "POST",
            path,
            body: JSONValue.object(body).encoded(),
            model: model
        )
    }

    func malformed(_ what: String) -> CollabError {
        CollabError(
            .malformedResponse,
            "The answer of \(endpoint.base) cannot be used: \(what).",
            cause: RemoteFailure(.malformed, isPossiblyBilled: true)
        )
    }
}
