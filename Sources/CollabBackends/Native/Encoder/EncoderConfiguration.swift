import Collab

/// The shape of a BERT encoder and how its states become one vector.
struct EncoderConfiguration: Sendable {
    /// How many rows the table of tokens has.
    var vocabularySize: Int
    /// The width of the residual stream, and the length of a vector.
    var width: Int
    /// How many layers there are.
    var layerCount: Int
    /// How many heads the width is divided among.
    var headCount: Int
    /// The width between the two matrices of a feed-forward layer.
    var feedForwardWidth: Int
    /// How many positions were trained.
    var positionCount: Int
    /// ε of the layer norms.
    var epsilon: Float
    /// The gate between the two matrices of a feed-forward layer.
    var activation: Activation
    /// How the states become one vector.
    var pooling: Pooling
    /// How many tokens of a text are read, its frame included; what comes after is left out.
    var maximumTokens: Int

    /// The gate between the two matrices of a feed-forward layer.
    enum Activation: String, Sendable, CaseIterable {
        /// ½ x (1 + erf(x / √2)).
        case gelu
        /// GELU by its tanh form.
        case geluNew = "gelu_new"
        /// GELU by its tanh form, under PyTorch's name.
        case geluTanh = "gelu_pytorch_tanh"
    }

    /// How the states become one vector.
    enum Pooling: Sendable {
        /// Their mean.
        case mean
        /// The first.
        case first
    }

    var headWidth: Int { width / headCount }
}

extension ModelSettings {
    /// What is added to a variance: a number above 0 as a float, too.
    func epsilon(_ key: String) throws(CollabError) -> Float {
        let value = try positive(key, or: 1e-12)
        guard Float(value) > 0, Float(value).isFinite else {
            throw malformed(key, "\(value), which no float of 32 bits is near to")
        }
        return Float(value)
    }
}

extension EncoderConfiguration {
    /// Reads `config.json`, and beside it `sentence_bert_config.json` and `1_Pooling/config.json` where they are.
    ///
    /// Throws `malformedFile` where a value makes no sense, `unsupported` with a list of what is known for others.
    init(_ folder: ModelFolder) throws(CollabError) {
        let settings = JSONSettings(
            object: try JSONValue(parsing: try folder.map("config.json")),
            source: folder.path + "/config.json"
        )
        guard let type = try settings.text("model_type") else { throw settings.missing("model_type") }
        guard type == "bert" else { throw settings.unsupported("model_type", type, known: ["bert"]) }
        let kind = try settings.text("position_embedding_type") ?? "absolute"
        guard kind == "absolute" else {
            throw settings.unsupported("position_embedding_type", kind, known: ["absolute"])
        }
        let (width, heads) = (try settings.size("hidden_size"), try settings.size("num_attention_heads"))
        _ = try settings.dividedWidth(width, among: heads, "num_attention_heads")
        let layers = try settings.size("num_hidden_layers")
        guard layers <= TransformerSizes.mostLayers else {
            throw settings.malformed("num_hidden_layers", "\(layers)")
        }
        let name = try settings.text("hidden_act") ?? "gelu"
        guard let activation = Activation(rawValue: name) else {
            throw settings.unsupported("hidden_act", name, known: Activation.allCases.map(\.rawValue))
        }
        let positions = try settings.size("max_position_embeddings")
        self.init(
            vocabularySize: try settings.size("vocab_size"),
            width: width,
            layerCount: layers,
            headCount: heads,
            feedForwardWidth: try settings.size("intermediate_size"),
            positionCount: positions,
            epsilon: try settings.epsilon("layer_norm_eps"),
            activation: activation,
            pooling: try Self.pooling(folder),
            maximumTokens: positions
        )
        if folder.contains("sentence_bert_config.json") {
            let settings = JSONSettings(
                object: try JSONValue(parsing: try folder.map("sentence_bert_config.json")),
                source: folder.path + "/sentence_bert_config.json"
            )
            maximumTokens = min(positionCount, try settings.optionalSize("max_seq_length") ?? positionCount)
        }
    }

    private static func pooling(_ folder: ModelFolder) throws(CollabError) -> Pooling {
        guard folder.contains("1_Pooling") else { return .mean }
        let inner = try ModelFolder(path: folder.path + "/1_Pooling")
        let settings = JSONSettings(
            object: try JSONValue(parsing: try inner.map("config.json")),
            source: inner.path + "/config.json"
        )
        if try settings.flag("pooling_mode_mean_tokens", or: false) { return .mean }
        if try settings.flag("pooling_mode_cls_token", or: false) { return .first }
        throw CollabError(
            .unsupported,
            "\(settings.source) asks for a way of pooling that is not known here; known are the mean and the first token."
        )
    }
}
