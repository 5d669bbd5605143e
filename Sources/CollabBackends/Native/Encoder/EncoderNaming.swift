import Collab

/// What a file calls the tensors of a BERT encoder; norms and matrices with biases go without `.weight` and `.bias`.
struct EncoderNaming: Sendable {
    /// The tensors of a layer.
    struct Layer: Sendable {
        /// The matrices of queries, keys and values.
        var attention: [String]
        var attentionOutput: String
        var attentionNorm: String
        var up: String
        var down: String
        var norm: String
    }

    /// The table of tokens.
    var tokens: String
    /// The vectors of the positions.
    var positions: String
    /// The vectors of the segments, of which the first is used.
    var segments: String
    /// The norm of what is read.
    var embeddingNorm: String
    /// How the names of a layer's tensors begin: with this, the layer's number and a dot.
    var layers: String
    private var ofLayer: Layer
    /// How names begin that are no part of an encoder: heads for training, and pooling that is not used here.
    var others: [String]
    /// All names, for messages.
    var known: String

    /// The tensors of a layer.
    func layer(_ index: Int) -> Layer {
        let stem = "\(layers)\(index)."
        return Layer(
            attention: ofLayer.attention.map { stem + $0 },
            attentionOutput: stem + ofLayer.attentionOutput,
            attentionNorm: stem + ofLayer.attentionNorm,
            up: stem + ofLayer.up,
            down: stem + ofLayer.down,
            norm: stem + ofLayer.norm
        )
    }

    /// The names of a checkpoint: llama.cpp's in a GGUF file, else those of transformers, which models with a head put
    /// behind `bert.`.
    init(of checkpoint: any Checkpoint) {
        if checkpoint.specification is GGUFSpecification {
            self = .gguf
        } else {
            let isInside = checkpoint.description(of: "bert.embeddings.word_embeddings.weight") != nil
            self = .huggingFace(prefix: isInside ? "bert." : "")
        }
    }

    private init(
        tokens: String,
        positions: String,
        segments: String,
        embeddingNorm: String,
        layers: String,
        ofLayer: Layer,
        others: [String],
        known: String
    ) {
        self.tokens = tokens
        self.positions = positions
        self.segments = segments
        self.embeddingNorm = embeddingNorm
        self.layers = layers
        self.ofLayer = ofLayer
        self.others = others
        self.known = known
    }

    private static func huggingFace(prefix: String) -> EncoderNaming {
        EncoderNaming(
            tokens: prefix + "embeddings.word_embeddings.weight",
            positions: prefix + "embeddings.position_embeddings.weight",
            segments: prefix + "embeddings.token_type_embeddings.weight",
            embeddingNorm: prefix + "embeddings.LayerNorm",
            layers: prefix + "encoder.layer.",
            ofLayer: Layer(
                attention: ["query", "key", "value"].map { "attention.self." + $0 },
                attentionOutput: "attention.output.dense",
                attentionNorm: "attention.output.LayerNorm",
                up: "intermediate.dense",
                down: "output.dense",
                norm: "output.LayerNorm"
            ),
            others: ["cls.", prefix + "pooler.", prefix + "embeddings.position_ids"],
            known: "embeddings.{word,position,token_type}_embeddings, embeddings.LayerNorm, encoder.layer.N.{"
                + "attention.self.{query,key,value},attention.output.{dense,LayerNorm},intermediate.dense,output.{dense,"
                + "LayerNorm}}, pooler.dense and cls"
        )
    }

    private static let gguf = EncoderNaming(
        tokens: "token_embd.weight",
        positions: "position_embd.weight",
        segments: "token_types.weight",
        embeddingNorm: "token_embd_norm",
        layers: "blk.",
        ofLayer: Layer(
            attention: ["attn_q", "attn_k", "attn_v"],
            attentionOutput: "attn_output",
            attentionNorm: "attn_output_norm",
            up: "ffn_up",
            down: "ffn_down",
            norm: "layer_output_norm"
        ),
        others: ["cls."],
        known:
            "token_embd, position_embd, token_types, token_embd_norm, blk.N.{attn_q,attn_k,attn_v,attn_output,"
            + "attn_output_norm,ffn_up,ffn_down,layer_output_norm} and cls"
    )
}
