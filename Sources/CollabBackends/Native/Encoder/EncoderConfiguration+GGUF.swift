import Collab

extension EncoderConfiguration {
    /// Reads the metadata of a GGUF file of the architecture `bert`.
    ///
    /// Throws `malformedFile` where a value makes no sense, `unsupported` with a list of what is known for others.
    init(_ specification: GGUFSpecification, source: String) throws(CollabError) {
        let architecture = specification.architecture
        guard architecture == "bert" else {
            throw CollabError(
                .unsupported,
                "\(source) is a model of the architecture “\(architecture)”; the encoders known here are of the architecture "
                    + "bert."
            )
        }
        let metadata = specification.metadata
        let settings = GGUFSettings(metadata: metadata, architecture: architecture, source: source)
        guard let tokens = try metadata.array("tokenizer.ggml.tokens") else {
            throw metadata.missing("tokenizer.ggml.tokens")
        }
        let width = try settings.size("embedding_length")
        let heads = try settings.size("attention.head_count")
        _ = try settings.dividedWidth(width, among: heads, "attention.head_count")
        let layers = try settings.size("block_count")
        guard layers <= TransformerSizes.mostLayers else {
            throw settings.malformed("block_count", "\(layers)")
        }
        if try metadata.bool(settings.name(of: "attention.causal")) ?? false {
            throw settings.unsupported("attention.causal", "true", known: ["false"])
        }
        let pooling: Pooling
        switch try settings.integer("pooling_type") {
        case nil, 1: pooling = .mean
        case 2: pooling = .first
        case let other?:
            throw settings.unsupported("pooling_type", "\(other)", known: ["1 (mean)", "2 (first token)"])
        }
        let positions = try settings.size("context_length")
        self.init(
            vocabularySize: tokens.count,
            width: width,
            layerCount: layers,
            headCount: heads,
            feedForwardWidth: try settings.size("feed_forward_length"),
            positionCount: positions,
            epsilon: try settings.epsilon("attention.layer_norm_epsilon"),
            activation: .gelu,
            pooling: pooling,
            maximumTokens: positions
        )
    }
}
