public import Collab

extension GGUFMetadataWriter {
    /// Describes a model: its architecture and sizes, and the tokenizer of the same or another model.
    ///
    /// What is known of a GGUF file is taken over as it is; a folder's `config.json` and tokenizer are written in GGUF's
    /// keys.
    ///
    /// - Parameters:
    ///   - model: whose architecture and sizes.
    ///   - tokenizer: whose tokenizer; `nil`: the model's.
    ///   - layerCount: how many layers the file has, if not as many as the model.
    ///   - quantisation: how most matrices are stored.
    ///
    /// Throws ``Collab/CollabError`` with `unsupported` for architectures that the engine does not run, for rotary
    /// positions and tokenizers that GGUF's keys or this writer cannot say, and what reading the tokenizer throws.
    public init(
        describing model: any Checkpoint,
        tokenizer: (any Checkpoint)? = nil,
        layerCount: Int? = nil,
        quantisation: GGUFQuantisation
    ) throws(CollabError) {
        let configuration = try TransformerConfiguration(describing: model)
        let architecture: String
        switch model.specification {
        case let specification as GGUFSpecification:
            try self.init(copying: specification.file)
            architecture = specification.architecture
        case let specification as HuggingFaceSpecification:
            self.init()
            architecture = configuration.family.ggufName ?? ModelFamily.llama.rawValue
            set("general.architecture", .string(architecture))
            set("general.name", .string(model.name))
            try setSizes(configuration, architecture)
            try setRotation(configuration, specification.configuration, architecture)
            setWindows(configuration, architecture)
        default:
            throw CollabError(
                .unsupported,
                "\(model.name) says neither as a GGUF file nor as a folder does what its weights are of."
            )
        }
        if let layerCount { set("\(architecture).block_count", .uint32(UInt32(layerCount))) }
        set("general.quantization_version", .uint32(2))
        set("general.file_type", .uint32(quantisation.fileType))
        try setTokenizer(of: tokenizer ?? model, vocabularySize: configuration.vocabularySize)
    }

    private mutating func setSizes(
        _ configuration: TransformerConfiguration,
        _ architecture: String
    ) throws(CollabError) {
        func size(_ key: String, _ value: Int) {
            set("\(architecture).\(key)", .uint32(UInt32(clamping: value)))
        }
        size("block_count", configuration.layers.count)
        size("context_length", configuration.contextLength)
        size("embedding_length", configuration.embeddingLength)
        size("feed_forward_length", configuration.feedForwardLength)
        size("attention.head_count", configuration.headCount)
        size("attention.head_count_kv", configuration.keyValueHeadCount)
        size("attention.key_length", configuration.headDimension)
        size("attention.value_length", configuration.headDimension)
        size("rope.dimension_count", configuration.rotaryDimension)
        size("vocab_size", configuration.vocabularySize)
        set("\(architecture).attention.layer_norm_rms_epsilon", .float32(configuration.normEpsilon))
        if let cap = configuration.attentionSoftCap {
            set("\(architecture).attn_logit_softcapping", .float32(cap))
        }
        if let cap = configuration.finalSoftCap {
            set("\(architecture).final_logit_softcapping", .float32(cap))
        }
    }

    /// Llama 3's divisors go into a tensor, see ``RenamedCheckpoint``; the formulas of other scalings are not written.
    private mutating func setRotation(
        _ configuration: TransformerConfiguration,
        _ json: JSONValue,
        _ architecture: String
    ) throws(CollabError) {
        let rotated = configuration.layers.filter { $0.rotation != nil }
        guard let last = rotated.last?.rotation else { return }
        let scaling = json["rope_parameters"] ?? json["rope_scaling"] ?? [:]
        let object = scaling["full_attention"] ?? scaling
        let kind = object["rope_type"]?.stringValue ?? object["type"]?.stringValue ?? "default"
        guard ["default", "none", "linear", "llama3"].contains(kind) else {
            throw CollabError(
                .unsupported,
                "Rotary positions by “\(kind)” are not written to GGUF here; known are default, linear and llama3."
            )
        }
        // Layers with a window may rotate in a way of their own.
        let full = rotated.last { $0.window == nil }?.rotation ?? last
        set("\(architecture).rope.freq_base", .float32(Float(full.base)))
        if full.positionScale != 1 {
            set("\(architecture).rope.scaling.type", .string("linear"))
            set("\(architecture).rope.scaling.factor", .float32(Float(1 / full.positionScale)))
        }
        if let windowed = configuration.layers.first(where: { $0.window != nil })?.rotation, windowed != full
        {
            set("\(architecture).rope.freq_base_swa", .float32(Float(windowed.base)))
        }
    }

    private mutating func setWindows(_ configuration: TransformerConfiguration, _ architecture: String) {
        guard let window = configuration.layers.compactMap(\.window).first else { return }
        set("\(architecture).attention.sliding_window", .uint32(UInt32(clamping: window)))
    }
}
