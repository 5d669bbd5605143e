import Collab

extension TransformerConfiguration {
    /// Reads the metadata of a GGUF file.
    ///
    /// Converters leave out what is a constant of an architecture; those constants are written here.
    init(
        _ specification: GGUFSpecification,
        of checkpoint: any Checkpoint,
        contextLength: Int?
    ) throws(CollabError) {
        let name = specification.architecture
        guard let family = ModelFamily.allCases.first(where: { $0.ggufName == name }) else {
            let known = ModelFamily.allCases.compactMap(\.ggufName).joined(separator: ", ")
            throw CollabError(
                .unsupported,
                "\(checkpoint.name) is a model of the architecture “\(name)”; known here are \(known)."
            )
        }
        let settings = GGUFSettings(
            metadata: specification.metadata,
            architecture: name,
            source: checkpoint.name
        )
        let sizes = try Self.sizes(settings)
        self.init(
            family: family,
            architecture: name,
            sizes: sizes,
            // What is worked out from the settings stays in the file when weights are merged or renamed.
            rotation: try Self.rotation(
                settings,
                sizes,
                try GGUFCheckpoint(specification.file, name: checkpoint.name),
                contextLength ?? sizes.context
            ),
            normEpsilon: try settings.positive("attention.layer_norm_rms_epsilon"),
            layout: TensorLayout(naming: .gguf, fusesProjections: family == .phi3)
        )
        rotatesNeighbours = family.pairsNeighboursInGGUF
        attentionSoftCap = try settings.optionalPositive("attn_logit_softcapping").map { Float($0) }
        finalSoftCap = try settings.optionalPositive("final_logit_softcapping").map { Float($0) }
        func isStored(_ tensor: LayerTensor) -> Bool {
            [TensorNaming.gguf, .huggingFace].contains { naming in
                let name = naming.name(of: tensor, in: 0, normalisingOutputs: normalisesBlockOutputs)
                return checkpoint.description(of: name) != nil
            }
        }
        hasProjectionBiases = hasProjectionBiases || isStored(.queryBias)
        hasAttentionOutputBias = isStored(.attentionOutputBias)
        tiesOutput =
            checkpoint.description(of: ModelTensor.output.name(.gguf)) == nil
            && checkpoint.description(of: ModelTensor.output.name(.huggingFace)) == nil
        switch family {
        case .gemma2: try readGemma2(settings)
        case .gemma3: try readGemma3(settings)
        case .smollm3: leaveOutRotation { ($0 + 1) % 4 == 0 }
        case .llama, .mistral, .qwen2, .qwen3, .phi3:
            if let window = try settings.optionalSize("attention.sliding_window") {
                setWindow(window) { _ in true }
            }
        }
    }

    /// Even layers have a window; the 27B model, known by its 46 layers, scales scores by its embedding width a head.
    private mutating func readGemma2(_ settings: GGUFSettings) throws(CollabError) {
        setWindow(try settings.size("attention.sliding_window", or: 4096)) { $0 % 2 == 0 }
        attentionSoftCap = Float(try settings.positive("attn_logit_softcapping", or: 50))
        finalSoftCap = Float(try settings.positive("final_logit_softcapping", or: 30))
        if layers.count == 46 { scaleByEmbeddingWidth() }
    }

    /// Of six layers five have a window and rotate by a base of their own, unstretched; the 27B model, known by its
    /// 62 layers, scales scores by its embedding width a head.
    private mutating func readGemma3(_ settings: GGUFSettings) throws(CollabError) {
        let pattern = try settings.size("attention.sliding_window_pattern", or: 6)
        let base = try settings.positive("rope.freq_base_swa", or: 10_000)
        setWindow(try settings.size("attention.sliding_window"), rotation: Rotation(base: base)) {
            ($0 + 1) % pattern != 0
        }
        if layers.count == 62 { scaleByEmbeddingWidth() }
    }

    private mutating func scaleByEmbeddingWidth() {
        attentionScale = 1 / Float(embeddingLength / headCount).squareRoot()
    }

    private static func sizes(_ settings: GGUFSettings) throws(CollabError) -> TransformerSizes {
        let embedding = try settings.size("embedding_length")
        let heads = try settings.size("attention.head_count")
        let given = try settings.integer("attention.key_length")
        let headDimension =
            given == nil
            ? try settings.dividedWidth(embedding, among: heads, "attention.head_count")
            : try settings.size("attention.key_length")
        guard try settings.size("attention.value_length", or: headDimension) == headDimension else {
            throw CollabError(.unsupported, "\(settings.source) has values of another width than its keys.")
        }
        guard let tokens = try settings.metadata.array("tokenizer.ggml.tokens") else {
            throw settings.metadata.missing("tokenizer.ggml.tokens")
        }
        let sizes = TransformerSizes(
            vocabulary: tokens.count,
            context: try settings.contextLength("context_length"),
            embedding: embedding,
            feedForward: try settings.size("feed_forward_length"),
            layers: try settings.size("block_count"),
            heads: heads,
            keyValueHeads: try settings.size("attention.head_count_kv", or: heads),
            headDimension: headDimension,
            rotaryDimension: try settings.size("rope.dimension_count", or: headDimension)
        )
        try sizes.check(settings.source)
        return sizes
    }

    /// How positions rotate, with the divisors that the file keeps as tensors.
    private static func rotation(
        _ settings: GGUFSettings,
        _ sizes: TransformerSizes,
        _ checkpoint: any Checkpoint,
        _ contextLength: Int
    ) throws(CollabError) -> Rotation {
        var rotation = Rotation(
            base: try settings.positive("rope.freq_base", or: 10_000),
            magnitude: try settings.positive("rope.scaling.attn_factor", or: 1)
        )
        let original = try settings.size("rope.scaling.original_context_length", or: sizes.context)
        switch try settings.text("rope.scaling.type") {
        case nil, "none"?, "longrope"?: break
        case "linear"?: rotation.positionScale = 1 / (try settings.positive("rope.scaling.factor"))
        case "yarn"?:
            let factor = try settings.positive("rope.scaling.factor")
            rotation.stretchByYarn(
                factor: factor,
                fast: try settings.positive("rope.scaling.yarn_beta_fast", or: 32),
                slow: try settings.positive("rope.scaling.yarn_beta_slow", or: 1),
                originalContext: original,
                dimension: sizes.rotaryDimension
            )
            rotation.magnitude *= Rotation.yarnMagnitude(factor: factor)
        case let kind?:
            throw settings.unsupported(
                "rope.scaling.type",
                kind,
                known: ["none", "linear", "yarn", "longrope"]
            )
        }
        let names: [RotationDivisors] = [
            .llama3, contextLength > original ? .longContext : .shortContext,
        ]
        for name in names.map(\.rawValue) {
            guard let description = checkpoint.description(of: name) else { continue }
            try description.requireShape([sizes.rotaryDimension / 2], of: checkpoint.name)
            rotation.divisors = try checkpoint.values(of: name).map { Double($0) }
            guard rotation.divisors.allSatisfy({ $0 > 0 && $0.isFinite }) else {
                throw CollabError(
                    .malformedFile,
                    "The tensor “\(name)” of \(checkpoint.name) divides frequencies by what is not above 0."
                )
            }
        }
        return rotation
    }
}

/// The tensors of a GGUF file that hold divisors of the rotation frequencies, one a pair.
enum RotationDivisors: String, CaseIterable {
    /// Llama 3.1's, worked out by the converter.
    case llama3 = "rope_freqs.weight"
    /// LongRoPE's, for texts longer than the first context.
    case longContext = "rope_factors_long.weight"
    /// LongRoPE's, for shorter ones.
    case shortContext = "rope_factors_short.weight"
}

// What readers of all formats set.
extension TransformerConfiguration {
    /// Gives some layers a window and, if it differs, a rotation of their own.
    mutating func setWindow(_ window: Int, rotation: Rotation? = nil, where chosen: (Int) -> Bool) {
        for index in layers.indices where chosen(index) {
            layers[index].window = window
            if let rotation { layers[index].rotation = rotation }
        }
    }

    /// Takes the positions away from some layers.
    mutating func leaveOutRotation(where chosen: (Int) -> Bool) {
        for index in layers.indices where chosen(index) { layers[index].rotation = nil }
    }
}
