internal import Collab

/// What each server writes about its models. Fields that are missing, or no values that they can have, tell nothing.
extension ModelCapabilities {
    /// Reads a model's entry in an OpenAI-compatible list of models.
    ///
    /// OpenAI tells only the name. `max_model_len` is vLLM's and SGLang's, `meta` is llama.cpp's, `context_length`,
    /// `architecture` and `supported_parameters` are OpenRouter's, `context_window` is Groq's, and
    /// `max_context_length` with an object of `capabilities` is Mistral's.
    mutating func read(entry: JSONValue) {
        let meta = entry["meta"]
        contextLength =
            Self.count(entry["max_model_len"]) ?? Self.count(meta?["n_ctx"])
            ?? Self.count(entry["context_length"]) ?? Self.count(entry["context_window"])
            ?? Self.count(entry["max_context_length"]) ?? contextLength
        trainedContextLength = Self.count(meta?["n_ctx_train"]) ?? trainedContextLength
        vocabularySize = Self.count(meta?["n_vocab"]) ?? vocabularySize
        maximumAnswerTokens =
            Self.count(entry["max_completion_tokens"])
            ?? Self.count(entry["top_provider"]?["max_completion_tokens"]) ?? maximumAnswerTokens
        if let modalities = Self.words(entry["architecture"]?["input_modalities"]) {
            images = modalities.contains("image")
            files = modalities.contains("file")
        }
        if let parameters = Self.words(entry["supported_parameters"]) {
            tools = parameters.contains("tools")
            thinking = parameters.contains("reasoning")
            logprobs = parameters.contains("logprobs")
        }
        images = entry["capabilities"]?["vision"]?.boolValue ?? images
        tools = entry["capabilities"]?["function_calling"]?.boolValue ?? tools
        switch entry["owned_by"]?.stringValue {
        case "llamacpp":
            server = .llamaCPP
            logprobs = true
            // Its modalities are all that it takes; files it has no notion of.
            files = images == nil ? files : false
        case "vllm":
            server = .vLLM
            logprobs = true
        case "library":
            server = .ollama
        default: break
        }
    }

    /// Reads llama.cpp's `/props`; its context is a single request's share of the server's.
    mutating func read(properties: JSONValue) {
        contextLength = Self.count(properties["default_generation_settings"]?["n_ctx"]) ?? contextLength
        parallelRequests = Self.count(properties["total_slots"]) ?? parallelRequests
        version = Self.version(properties["build_info"]) ?? version
        images = properties["modalities"]?["vision"]?.boolValue ?? images
        tools = properties["chat_template_caps"]?["supports_tools"]?.boolValue ?? tools
    }

    /// Reads the `version` that vLLM and Ollama tell.
    mutating func read(version json: JSONValue) {
        version = Self.version(json["version"]) ?? version
        guard server == .ollama, let version else { return }
        // Log-probabilities are there since 0.12.11.
        let numbers = version.prefix { $0.isNumber || $0 == "." }.split(separator: ".").compactMap { Int($0) }
        if numbers.count == 3 { logprobs = !numbers.lexicographicallyPrecedes([0, 12, 11]) }
    }

    /// Reads Ollama's `/api/show`, and the context that the caller asks for.
    mutating func read(show json: JSONValue, extras: JSONObject) {
        server = .ollama
        if let abilities = Self.words(json["capabilities"]) {
            images = abilities.contains("vision")
            tools = abilities.contains("tools")
            thinking = abilities.contains("thinking")
            embeddings = abilities.contains("embedding")
            files = false
        }
        let details = json["model_info"]
        if let architecture = details?["general.architecture"]?.stringValue {
            trainedContextLength = Self.count(details?["\(architecture).context_length"])
            vocabularySize = Self.count(details?["\(architecture).vocab_size"])
        }
        // Without either the length depends on the server's own settings, which it does not tell.
        contextLength =
            Self.count(extras["options"]?["num_ctx"])
            ?? Self.parameter("num_ctx", in: json["parameters"]?.stringValue ?? "")
    }

    /// Reads an entry of Anthropic's list of models.
    mutating func read(anthropic entry: JSONValue) {
        server = .anthropic
        logprobs = false
        contextLength = Self.count(entry["max_input_tokens"])
        maximumAnswerTokens = Self.count(entry["max_tokens"])
        let abilities = entry["capabilities"]
        images = abilities?["image_input"]?["supported"]?.boolValue
        files = abilities?["pdf_input"]?["supported"]?.boolValue
        thinking = abilities?["thinking"]?["supported"]?.boolValue
    }

    private static func count(_ json: JSONValue?) -> Int? {
        json?.tokenCount.flatMap { $0 > 0 ? $0 : nil }
    }

    private static func words(_ json: JSONValue?) -> Set<String>? {
        guard let elements = json?.arrayValue, !elements.isEmpty else { return nil }
        let words = elements.compactMap(\.stringValue)
        return words.count == elements.count ? Set(words) : nil
    }

    private static func version(_ json: JSONValue?) -> String? {
        guard let text = json?.stringValue, !text.isEmpty else { return nil }
        return escapingControls(text, limit: 80)
    }

    /// A number among lines such as `num_ctx   4096`.
    private static func parameter(_ name: String, in text: String) -> Int? {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count == 2, words[0] == name, let value = Int(words[1]), value > 0 { return value }
        }
        return nil
    }
}
