/// What a server tells about a model.
///
/// Whatever it does not tell is `nil`: it is unknown, and neither promised nor denied.
///
/// ```swift
/// let model = try RemoteModel("gemma3", at: "http://127.0.0.1:11434", server: .ollama)
/// let capabilities = try await model.capabilities()
/// if capabilities.images == false { print("\(model) takes no images.") }
/// ```
public struct ModelCapabilities: Hashable, Sendable {
    /// What the server says that it is.
    ///
    /// Its protocol may be another one than that by which it was asked, since some servers speak several.
    public var server: ServerKind?
    /// The version of the server's program, as it spells it.
    public var version: String?
    /// The most tokens that prompt and answer have together, as the model is served.
    public var contextLength: Int?
    /// The most that the model was made for; a server may serve less.
    public var trainedContextLength: Int?
    /// The most tokens of an answer.
    public var maximumAnswerTokens: Int?
    /// How many tokens the model knows.
    public var vocabularySize: Int?
    /// How many requests the server answers at the same time; it lets others wait.
    public var parallelRequests: Int?
    /// Whether it takes images.
    public var images: Bool?
    /// Whether it takes files.
    public var files: Bool?
    /// Whether it can be given tools.
    public var tools: Bool?
    /// Whether it can think before it answers.
    public var thinking: Bool?
    /// Whether the server tells log-probabilities.
    public var logprobs: Bool?
    /// Whether it makes vectors of texts.
    public var embeddings: Bool?

    /// Makes a value that tells nothing yet.
    public init() {}
}

extension ModelCapabilities: CustomStringConvertible {
    /// What is known, in words.
    public var description: String {
        var parts: [String] = []
        if let server { parts.append([server.name, version].compactMap(\.self).joined(separator: " ")) }
        if let contextLength { parts.append("context of \(contextLength) tokens") }
        if let trainedContextLength { parts.append("made for \(trainedContextLength)") }
        if let maximumAnswerTokens { parts.append("answers of \(maximumAnswerTokens) tokens") }
        let abilities = [
            ("images", images), ("files", files), ("tools", tools), ("thinking", thinking),
            ("log-probabilities", logprobs), ("embeddings", embeddings),
        ]
        for case (let name, let has?) in abilities { parts.append(has ? name : "no \(name)") }
        return parts.isEmpty ? "nothing known" : parts.joined(separator: ", ")
    }
}
