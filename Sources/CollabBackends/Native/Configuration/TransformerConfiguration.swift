public import Collab

/// The shape of a decoder-only transformer: everything about a model that is not a weight.
///
/// One description serves every architecture; what they differ in (where norms stand, how positions rotate, which
/// layers look how far back) is data here rather than code in the forward pass.
public struct TransformerConfiguration: Hashable, Sendable {
    /// How the gate of the feed-forward block is bent.
    public enum Activation: Hashable, Sendable {
        /// x · σ(x), as in llama (SwiGLU).
        case swish
        /// The tanh form of the Gaussian error linear unit, as in Gemma (GeGLU).
        case gelu
    }

    /// How positions enter queries and keys (RoFormer, arXiv 2104.09864).
    ///
    /// Pair i of `dimension` turns by position · `positionScale` · θ^(−2i / dimension) / `divisors[i]`.
    public struct Rotation: Hashable, Sendable {
        /// θ.
        public var base: Double
        /// A factor of the position; 1 / 8 for a context stretched eightfold.
        public var positionScale: Double
        /// A divisor of each pair's frequency (Llama 3, YaRN, LongRoPE); empty where none is divided.
        public var divisors: [Double]
        /// A factor of the rotated vectors (YaRN, LongRoPE).
        public var magnitude: Double

        /// Whether every pair turns by a finite angle: scalings of absurd settings need not.
        var isFinite: Bool {
            ([base, positionScale, magnitude] + divisors).allSatisfy { $0 > 0 && $0.isFinite }
        }

        /// Makes a rotation.
        public init(
            base: Double,
            positionScale: Double = 1,
            divisors: [Double] = [],
            magnitude: Double = 1
        ) {
            self.base = base
            self.positionScale = positionScale
            self.divisors = divisors
            self.magnitude = magnitude
        }
    }

    /// What may differ from layer to layer.
    public struct Layer: Hashable, Sendable {
        /// How many positions a query sees, its own included; `nil` for all before it.
        public var window: Int?
        /// How positions enter; `nil` for a layer that knows no positions.
        public var rotation: Rotation?

        /// Makes a layer.
        public init(window: Int? = nil, rotation: Rotation?) {
            self.window = window
            self.rotation = rotation
        }
    }

    /// What kind of model this is.
    public var family: ModelFamily
    /// The architecture's name in the file, such as `llama` or `gemma3_text`.
    public var architecture: String
    /// How many tokens there are.
    public var vocabularySize: Int
    /// The longest text that the model was trained for, in tokens.
    public var contextLength: Int
    /// The width of the residual stream.
    public var embeddingLength: Int
    /// The width of the feed-forward block.
    public var feedForwardLength: Int
    /// How many query heads attention has.
    public var headCount: Int
    /// How many key and value heads; each serves `headCount / keyValueHeadCount` query heads.
    public var keyValueHeadCount: Int
    /// The width of a head.
    public var headDimension: Int
    /// How many of a head's elements are rotated.
    public var rotaryDimension: Int
    /// Whether neighbours (2i, 2i+1) are rotated together, rather than (i, i + rotaryDimension / 2).
    public var rotatesNeighbours: Bool
    /// The layers, first to last.
    public var layers: [Layer]
    /// ε of the root-mean-square norms.
    public var normEpsilon: Float
    /// The feed-forward activation.
    public var activation: Activation
    /// A factor of the embeddings.
    public var embeddingScale: Float
    /// A factor of the attention scores.
    public var attentionScale: Float
    /// c of c · tanh(score / c) over attention scores, if any.
    public var attentionSoftCap: Float?
    /// c of c · tanh(logit / c) over the final logits, if any.
    public var finalSoftCap: Float?
    /// Whether queries and keys are normalised head by head before they are rotated.
    public var normalisesQueriesAndKeys: Bool
    /// Whether the attention and feed-forward outputs are normalised before they join the residual stream.
    public var normalisesBlockOutputs: Bool

    /// Whether queries, keys and values have a bias.
    public var hasProjectionBiases: Bool
    /// Whether the projection of attention's result has a bias.
    public var hasAttentionOutputBias: Bool
    /// Whether the embeddings are the output matrix too.
    public var tiesOutput: Bool
    /// How the checkpoint stores the tensors.
    public var layout: TensorLayout

    /// The width of all query heads together.
    public var queryLength: Int { headCount * headDimension }
    /// The width of all key heads together.
    public var keyValueLength: Int { keyValueHeadCount * headDimension }
}

extension TransformerConfiguration {
    /// What the members of a family have in common, over the sizes of one of them.
    ///
    /// The readers of the formats set what differs: windows, scales, caps, biases.
    init(
        family: ModelFamily,
        architecture: String,
        sizes: TransformerSizes,
        rotation: Rotation,
        normEpsilon: Double,
        layout: TensorLayout
    ) {
        self.init(
            family: family,
            architecture: architecture,
            vocabularySize: sizes.vocabulary,
            contextLength: sizes.context,
            embeddingLength: sizes.embedding,
            feedForwardLength: sizes.feedForward,
            headCount: sizes.heads,
            keyValueHeadCount: sizes.keyValueHeads,
            headDimension: sizes.headDimension,
            rotaryDimension: sizes.rotaryDimension,
            rotatesNeighbours: false,
            layers: Array(repeating: Layer(rotation: rotation), count: sizes.layers),
            normEpsilon: Float(normEpsilon),
            activation: family.isGemma ? .gelu : .swish,
            embeddingScale: family.isGemma ? Float(sizes.embedding).squareRoot() : 1,
            attentionScale: 1 / Float(sizes.headDimension).squareRoot(),
            attentionSoftCap: nil,
            finalSoftCap: nil,
            normalisesQueriesAndKeys: family == .qwen3 || family == .gemma3,
            normalisesBlockOutputs: family.isGemma,
            hasProjectionBiases: family == .qwen2,
            hasAttentionOutputBias: false,
            tiesOutput: false,
            layout: layout
        )
    }

    /// Reads the configuration of a checkpoint: a GGUF file's metadata, or the `config.json` of a folder.
    ///
    /// - Parameter contextLength: the longest text that will be run, if not the longest that the model was trained
    ///   for: models with LongRoPE (Phi 3) rotate differently beyond their first context length.
    ///
    /// Throws ``Collab/CollabError`` with `unsupported` for an architecture or variant that the engine does not run,
    /// with a list of those it does, and `malformedFile` for sizes that cannot be.
    public init(describing checkpoint: any Checkpoint, contextLength: Int? = nil) throws(CollabError) {
        switch checkpoint.specification {
        case let specification as GGUFSpecification:
            try self.init(specification, of: checkpoint, contextLength: contextLength)
        case let specification as HuggingFaceSpecification:
            try self.init(specification, of: checkpoint, contextLength: contextLength)
        default:
            throw CollabError(
                .unsupported,
                "\(checkpoint.name) is described neither as a GGUF file nor as a Hugging Face folder; the engine "
                    + "cannot run it."
            )
        }
        adoptNames(of: checkpoint)
        for rotation in layers.compactMap(\.rotation) where !rotation.isFinite {
            throw CollabError(
                .malformedFile,
                "\(checkpoint.name) asks for rotary positions that are no numbers: \(rotation)."
            )
        }
    }

    /// Follows a checkpoint whose tensors have the names of the other format than its description, as merges of both
    /// kinds of files do; see ``RenamedCheckpoint``.
    private mutating func adoptNames(of checkpoint: any Checkpoint) {
        let other: TensorNaming = layout.naming == .gguf ? .huggingFace : .gguf
        guard checkpoint.description(of: ModelTensor.embedding.name(layout.naming)) == nil,
            checkpoint.description(of: ModelTensor.embedding.name(other)) != nil
        else { return }
        layout = layout.renamed(other, family: family)
        rotatesNeighbours = other == .gguf && family.pairsNeighboursInGGUF
    }
}
