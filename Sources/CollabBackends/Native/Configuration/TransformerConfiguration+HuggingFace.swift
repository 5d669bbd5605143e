import Collab

extension TransformerConfiguration {
    /// Reads a `config.json`, of the years before and after `rope_scaling` became `rope_parameters`.
    init(
        _ specification: HuggingFaceSpecification,
        of checkpoint: any Checkpoint,
        contextLength: Int?
    ) throws(CollabError) {
        let settings = JSONSettings(object: specification.configuration, source: checkpoint.name)
        let name = try Self.modelType(settings)
        guard let family = ModelFamily.allCases.first(where: { $0.huggingFaceName == name }) else {
            throw settings.unsupported("model_type", name, known: ModelFamily.allCases.map(\.huggingFaceName))
        }
        // Weights that are stored quantised have been refused with their file. What is left of other methods is how plain
        // weights were trained or may be loaded; these alone are no weights before they are quantised.
        let quantisation = settings.value("quantization_config")
        if let method = quantisation?["quant_method"]?.stringValue, method == "bitnet" {
            throw settings.unsupported("quantization_config.quant_method", method, known: ["none"])
        }
        let positions = try RotarySettings(settings, family: family)
        let sizes = try Self.sizes(settings, family, positions)
        self.init(
            family: family,
            architecture: name,
            sizes: sizes,
            rotation: try positions.rotation(sizes, contextLength ?? sizes.context),
            normEpsilon: try settings.positive("rms_norm_eps", or: family == .phi3 ? 1e-5 : 1e-6),
            layout: TensorLayout(
                naming: .huggingFace,
                fusesProjections: family == .phi3,
                normOffset: family.isGemma ? 1 : 0
            )
        )
        try checkActivation(settings)
        try readBiases(settings)
        try readOutput(settings, checkpoint)
        if family.isGemma { try readGemma(settings) }
        if family == .smollm3 { try readLayersWithoutRotation(settings) }
        try readWindows(settings, windowRotation: try positions.windowRotation(sizes))
    }

    private static func modelType(_ settings: JSONSettings) throws(CollabError) -> String {
        guard let name = try settings.text("model_type") else {
            throw CollabError(
                .malformedFile,
                "\(settings.source) has no config.json with a “model_type”; the engine needs both to run a folder."
            )
        }
        return name
    }

    private static func sizes(
        _ settings: JSONSettings,
        _ family: ModelFamily,
        _ positions: RotarySettings
    ) throws(CollabError) -> TransformerSizes {
        let embedding = try settings.size("hidden_size")
        let heads = try settings.size("num_attention_heads")
        let headDimension: Int
        if settings.value("head_dim") != nil {
            headDimension = try settings.size("head_dim")
        } else {
            // These families' heads have a width of their own, which a file may leave out.
            headDimension =
                switch family {
                case .gemma2, .gemma3: 256
                case .qwen3: 128
                case .llama, .mistral, .qwen2, .smollm3, .phi3:
                    try settings.dividedWidth(embedding, among: heads, "num_attention_heads")
                }
        }
        let sizes = TransformerSizes(
            vocabulary: try settings.size("vocab_size"),
            context: try settings.contextLength("max_position_embeddings"),
            embedding: embedding,
            feedForward: try settings.size("intermediate_size"),
            layers: try settings.size("num_hidden_layers"),
            heads: heads,
            keyValueHeads: try settings.size("num_key_value_heads", or: heads),
            headDimension: headDimension,
            rotaryDimension: try positions.rotaryDimension(of: headDimension)
        )
        try sizes.check(settings.source)
        return sizes
    }

    /// The feed-forward activation must be the family's: another would be another architecture.
    private func checkActivation(_ settings: JSONSettings) throws(CollabError) {
        let key =
            settings.value("hidden_activation") != nil || family.isGemma ? "hidden_activation" : "hidden_act"
        let known = activation == .swish ? ["silu", "swish"] : ["gelu_pytorch_tanh", "gelu_new"]
        guard let name = try settings.text(key), !known.contains(name) else { return }
        throw settings.unsupported(key, name, known: known)
    }

    private mutating func readBiases(_ settings: JSONSettings) throws(CollabError) {
        if family != .qwen2, try settings.flag("attention_bias", or: false) {
            hasProjectionBiases = true
            hasAttentionOutputBias = true
        }
        if try settings.flag("mlp_bias", or: false) {
            throw settings.unsupported("mlp_bias", "true", known: ["false"])
        }
    }

    /// Files of tied models may hold the output matrix as well; it is the embeddings once more.
    private mutating func readOutput(
        _ settings: JSONSettings,
        _ checkpoint: any Checkpoint
    ) throws(CollabError) {
        let isThere = [TensorNaming.huggingFace, .gguf].contains {
            checkpoint.description(of: ModelTensor.output.name($0)) != nil
        }
        tiesOutput = try settings.flag("tie_word_embeddings", or: !isThere)
    }

    private mutating func readGemma(_ settings: JSONSettings) throws(CollabError) {
        if try settings.flag("use_bidirectional_attention", or: false) {
            throw settings.unsupported("use_bidirectional_attention", "true", known: ["false"])
        }
        attentionScale = Float(1 / (try settings.positive("query_pre_attn_scalar", or: 256)).squareRoot())
        func cap(_ key: String, gemma2: Double) throws(CollabError) -> Float? {
            if let value = try settings.optionalPositive(key) { return Float(value) }
            return family == .gemma2 && settings.object[key] == nil ? Float(gemma2) : nil
        }
        attentionSoftCap = try cap("attn_logit_softcapping", gemma2: 50)
        finalSoftCap = try cap("final_logit_softcapping", gemma2: 30)
    }

    private mutating func readLayersWithoutRotation(_ settings: JSONSettings) throws(CollabError) {
        if let list = try settings.list("no_rope_layers", count: layers.count) {
            // The list says 1 for a layer that has positions.
            leaveOutRotation { list[$0].intValue == 0 }
        } else {
            let interval = try settings.size("no_rope_layer_interval", or: 4)
            leaveOutRotation { ($0 + 1) % interval == 0 }
        }
    }

    /// Which layers see a window only: as `layer_types` lists them, else by the family's rule.
    private mutating func readWindows(
        _ settings: JSONSettings,
        windowRotation: Rotation?
    ) throws(CollabError) {
        let isSwitched = family == .qwen2 || family == .qwen3 || family == .smollm3
        var window = try settings.optionalSize("sliding_window")
        if isSwitched, !(try settings.flag("use_sliding_window", or: false)) {
            window = nil
        } else if window == nil, !settings.isNull("sliding_window") {
            window =
                switch family {
                case .mistral, .gemma2, .gemma3, .qwen2, .qwen3: 4096
                case .llama, .smollm3, .phi3: nil
                }
        }
        var hasWindow: [Bool]
        if family != .mistral, let types = try settings.list("layer_types", count: layers.count) {
            hasWindow = try types.map { (type) throws(CollabError) in
                switch type.stringValue {
                case "full_attention"?: return false
                case "sliding_attention"?: return true
                case let name:
                    throw settings.unsupported(
                        "layer_types",
                        name ?? type.kind,
                        known: ["full_attention", "sliding_attention"]
                    )
                }
            }
            if hasWindow.contains(true), window == nil { throw settings.missing("sliding_window") }
        } else {
            let first = try settings.integer("max_window_layers") ?? 28
            let pattern = try settings.size("sliding_window_pattern", or: 6)
            hasWindow = layers.indices.map { index in
                switch family {
                case .mistral, .phi3: true
                case .qwen2, .qwen3: index >= first
                case .gemma2: index % 2 == 0
                case .gemma3: (index + 1) % pattern != 0
                case .smollm3: layers[index].rotation == nil
                case .llama: false
                }
            }
        }
        if let window { setWindow(window, rotation: windowRotation) { hasWindow[$0] } }
    }
}
