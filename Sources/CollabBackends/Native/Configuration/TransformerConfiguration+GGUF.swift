public import Collab

extension TransformerConfiguration {
    /// The architectures that the engine runs.
    public static let architectures = ["llama", "gemma3"]

    /// Reads the configuration of a model file.
    ///
    /// Throws ``Collab/CollabError`` with `unsupported` for an architecture or variant that the engine does not run,
    /// and `malformedFile` for sizes that cannot be.
    public init(metadata: GGUFMetadata, source: String) throws(CollabError) {
        guard let architecture = try metadata.string("general.architecture") else {
            throw metadata.missing("general.architecture")
        }
        let reader = MetadataReader(metadata: metadata, architecture: architecture, source: source)
        switch architecture {
        case "llama": self = try Self.llama(reader)
        case "gemma3": self = try Self.gemma3(reader)
        default:
            let known = Self.architectures.joined(separator: ", ")
            throw CollabError(
                .unsupported,
                "\(source) is a model of the architecture “\(architecture)”; known here are \(known)."
            )
        }
    }

    /// Llama 1 to 3 and its kin: SwiGLU, norms before each block, neighbours rotated together.
    ///
    /// Files keep the rows of the query and key matrices in the order that rotating neighbours asks for.
    private static func llama(_ reader: MetadataReader) throws(CollabError) -> TransformerConfiguration {
        var configuration = try common(reader)
        configuration.rotatesNeighbours = true
        return configuration
    }

    /// Gemma 3 (arXiv 2503.19786): five layers with a window to each that sees everything, GeGLU, norms of queries
    /// and keys and after each block, scaled embeddings.
    ///
    /// Files have the 1 added to the norm weights already, and leave out the pattern and the base of the window
    /// layers' rotation; both are constants of the architecture.
    private static func gemma3(_ reader: MetadataReader) throws(CollabError) -> TransformerConfiguration {
        var configuration = try common(reader)
        configuration.activation = .gelu
        configuration.embeddingScale = Float(configuration.embeddingLength).squareRoot()
        configuration.normalisesQueriesAndKeys = true
        configuration.normalisesBlockOutputs = true
        let window = try reader.size("attention.sliding_window")
        let pattern = try reader.size("attention.sliding_window_pattern", or: 6)
        let windowBase = try reader.positive("rope.freq_base_swa", or: 10_000)
        for index in configuration.layers.indices where (index + 1) % pattern != 0 {
            configuration.layers[index] = Layer(window: window, rotation: Rotation(base: windowBase))
        }
        if configuration.layers.count == 62 {
            // The 27B model scales scores by its embedding width a head instead of the head's own.
            let width = Float(configuration.embeddingLength / configuration.headCount)
            configuration.attentionScale = 1 / width.squareRoot()
        }
        return configuration
    }

    /// What all architectures read alike.
    private static func common(_ reader: MetadataReader) throws(CollabError) -> TransformerConfiguration {
        let embedding = try reader.size("embedding_length")
        let layerCount = try reader.size("block_count")
        let heads = try reader.size("attention.head_count")
        let keyValueHeads = try reader.size("attention.head_count_kv", or: heads)
        guard heads % keyValueHeads == 0 else {
            let key = "\(reader.architecture).attention.head_count_kv"
            throw reader.malformed(key, "\(keyValueHeads), which does not divide the \(heads) heads")
        }
        guard
            try reader.metadata.integer("\(reader.architecture).attention.key_length") != nil
                || embedding % heads == 0
        else {
            let key = "\(reader.architecture).attention.head_count"
            throw reader.malformed(key, "\(heads), which does not divide the embedding length \(embedding)")
        }
        let headDimension = try reader.size("attention.key_length", or: embedding / heads)
        guard try reader.size("attention.value_length", or: headDimension) == headDimension else {
            throw CollabError(.unsupported, "\(reader.source) has values of another width than its keys.")
        }
        let rotary = try reader.size("rope.dimension_count", or: headDimension)
        guard rotary % 2 == 0, rotary <= headDimension else {
            let key = "\(reader.architecture).rope.dimension_count"
            throw reader.malformed(
                key,
                "\(rotary), but must be even and at most the head's width \(headDimension)"
            )
        }
        let feedForward = try reader.size("feed_forward_length")
        // Widths are products of believed sizes, so they cannot overflow; absurd ones are no model.
        guard layerCount <= 4096, heads * headDimension <= MetadataReader.largestSize else {
            throw CollabError(
                .malformedFile,
                "\(reader.source) claims \(layerCount) layers and \(heads) heads."
            )
        }
        guard let tokens = try reader.metadata.array("tokenizer.ggml.tokens") else {
            throw reader.metadata.missing("tokenizer.ggml.tokens")
        }
        let rotation = Rotation(
            base: try reader.positive("rope.freq_base", or: 10_000),
            positionScale: try positionScale(reader)
        )
        let context = try reader.metadata.integer("\(reader.architecture).context_length")
        guard let context else { throw reader.metadata.missing("\(reader.architecture).context_length") }
        guard context > 0 else {
            throw reader.malformed("\(reader.architecture).context_length", "\(context), but must be above 0")
        }
        return TransformerConfiguration(
            architecture: reader.architecture,
            vocabularySize: tokens.count,
            contextLength: min(context, MetadataReader.largestSize),
            embeddingLength: embedding,
            feedForwardLength: feedForward,
            headCount: heads,
            keyValueHeadCount: keyValueHeads,
            headDimension: headDimension,
            rotaryDimension: rotary,
            rotatesNeighbours: false,
            layers: Array(repeating: Layer(rotation: rotation), count: layerCount),
            normEpsilon: Float(try reader.positive("attention.layer_norm_rms_epsilon")),
            activation: .swish,
            embeddingScale: 1,
            attentionScale: 1 / Float(headDimension).squareRoot(),
            attentionSoftCap: try reader.optionalPositive("attn_logit_softcapping").map { Float($0) },
            finalSoftCap: try reader.optionalPositive("final_logit_softcapping").map { Float($0) },
            normalisesQueriesAndKeys: false,
            normalisesBlockOutputs: false
        )
    }

    /// The factor of positions that the file's RoPE scaling asks for.
    private static func positionScale(_ reader: MetadataReader) throws(CollabError) -> Double {
        switch try reader.text("rope.scaling.type") {
        case nil, "none"?: return 1
        case "linear"?: return 1 / (try reader.positive("rope.scaling.factor"))
        case let kind?:
            throw CollabError(
                .unsupported,
                "\(reader.source) scales its rotary positions by the method “\(kind)”."
            )
        }
    }
}
