internal import Collab

/// How a protocol asks for vectors of texts.
protocol EmbeddingCoding: Sendable {
    /// The path, beneath the base address.
    var path: String { get }
    /// The body for some texts, without the settings' extra fields.
    func body(_ texts: [String], model: String) -> JSONObject
    /// The vectors of an answer in the order of the texts, as the server writes them.
    ///
    /// Throws what is wrong if they are not as many as the texts.
    func vectors(_ answer: JSONValue, count: Int) throws(EmbeddingProblem) -> [[JSONValue]]
    /// The tokens that were read, as the answer counts them.
    func usage(_ answer: JSONValue) -> Usage
}

/// Why vectors cannot be used.
struct EmbeddingProblem: Error, Hashable {
    var what: String
}

/// OpenAI's `/embeddings`.
struct OpenAIEmbeddingCoding: EmbeddingCoding {
    let path = "embeddings"

    func body(_ texts: [String], model: String) -> JSONObject {
        ["model": .string(model), "input": .array(texts.map { .string($0) }), "encoding_format": "float"]
    }

    func vectors(_ answer: JSONValue, count: Int) throws(EmbeddingProblem) -> [[JSONValue]] {
        guard let entries = answer["data"]?.arrayValue, entries.count == count else {
            let found = answer["data"]?.arrayValue?.count ?? 0
            throw EmbeddingProblem(what: "it holds \(found) vectors for \(count) texts")
        }
        var vectors = [[JSONValue]?](repeating: nil, count: count)
        for (position, entry) in entries.enumerated() {
            let index = entry["index"]?.intValue ?? position
            guard vectors.indices.contains(index), vectors[index] == nil else {
                throw EmbeddingProblem(what: "its vectors are not numbered as the texts are")
            }
            vectors[index] = entry["embedding"]?.arrayValue ?? []
        }
        return vectors.compactMap(\.self)
    }

    func usage(_ answer: JSONValue) -> Usage { ChatCompletionsDecoder.usage(answer["usage"]) ?? Usage() }
}

/// Ollama's `/api/embed`.
struct OllamaEmbeddingCoding: EmbeddingCoding {
    let path = "api/embed"

    func body(_ texts: [String], model: String) -> JSONObject {
        // Unless told otherwise the server cuts a text that is too long without a word.
        ["model": .string(model), "input": .array(texts.map { .string($0) }), "truncate": false]
    }

    func vectors(_ answer: JSONValue, count: Int) throws(EmbeddingProblem) -> [[JSONValue]] {
        guard let rows = answer["embeddings"]?.arrayValue, rows.count == count else {
            let found = answer["embeddings"]?.arrayValue?.count ?? 0
            throw EmbeddingProblem(what: "it holds \(found) vectors for \(count) texts")
        }
        return rows.map { $0.arrayValue ?? [] }
    }

    func usage(_ answer: JSONValue) -> Usage {
        Usage(promptTokens: answer["prompt_eval_count"]?.tokenCount ?? 0)
    }
}
