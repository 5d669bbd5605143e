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
    public struct Rotation: Hashable, Sendable {
        /// θ: pair i of `dimension` turns by position · θ^(−2i / dimension).
        public var base: Double
        /// A factor of the position; 1 / 8 for a context stretched eightfold.
        public var positionScale: Double

        /// Makes a rotation.
        public init(base: Double, positionScale: Double = 1) {
            self.base = base
            self.positionScale = positionScale
        }
    }

    /// What may differ from layer to layer.
    public struct Layer: Hashable, Sendable {
        /// How many positions a query sees, its own included; `nil` for all before it.
        public var window: Int?
        /// How positions enter.
        public var rotation: Rotation

        /// Makes a layer.
        public init(window: Int? = nil, rotation: Rotation) {
            self.window = window
            self.rotation = rotation
        }
    }

    /// The name in the file, such as `llama`.
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

    /// The width of all query heads together.
    public var queryLength: Int { headCount * headDimension }
    /// The width of all key heads together.
    public var keyValueLength: Int { keyValueHeadCount * headDimension }
}
