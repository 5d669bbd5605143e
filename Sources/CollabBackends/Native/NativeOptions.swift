public import enum CollabKernels.KeyValueFormat
public import enum CollabKernels.Precision

/// How a native model is run.
public struct NativeOptions: Hashable, Sendable {
    /// How many threads compute; `nil` for one a physical core.
    public var threads: Int?
    /// The most tokens that a sequence may have; `nil` for as many as the model was trained for.
    public var contextLength: Int?
    /// The most bytes for weights, buffers, keys and values together; `nil` for no limit.
    ///
    /// What does not fit is refused before it is allocated.
    public var memoryLimit: Int?
    /// The most bytes of keys and values that are remembered of earlier texts, so that a text that begins alike is not
    /// computed again; 64 MiB unless set, 0 for none.
    ///
    /// They are part of ``memoryLimit``, and give way where sequences need the room. A text whose keys and values take
    /// more than this is not remembered.
    public var promptCacheLimit: Int
    /// Whether products with quantised weights round activations to 8 bits (fast), or keep floats (exact).
    public var precision: Precision
    /// How keys and values are kept in memory; `nil` for 16-bit floats, or 32-bit ones where ``precision`` is exact.
    ///
    /// Bytes take a little more than half the memory of 16-bit floats, so that longer or more texts fit, and move the
    /// logits a little; see the article on the native engine.
    public var keyValueFormat: KeyValueFormat?
    /// How weights are kept in memory: whether floats that a file stores are quantised, and in what format computed
    /// weights, such as a merge's, are kept.
    public var weightFormat: WeightFormat
    /// Whether a vocabulary's matrix of Q8_0 lies in two planes, so that the most probable tokens are found from two
    /// thirds of its bytes; `nil` for where that is faster.
    ///
    /// Logits are the same bit for bit. All of them take longer, for the planes have to be joined: with AVX2 by more than
    /// is saved elsewhere.
    public var outputInPlanes: Bool?
    /// How dialogues become text.
    public var promptForm: PromptForm
    /// How embeddings are made of the states of a text's tokens; `nil`: as the model's files say, else their mean.
    public var pooling: Pooling?

    /// What ``promptCacheLimit`` is unless set: 64 MiB.
    public static let defaultPromptCacheLimit = 64 << 20

    /// Makes options.
    public init(
        threads: Int? = nil,
        contextLength: Int? = nil,
        memoryLimit: Int? = nil,
        promptCacheLimit: Int = defaultPromptCacheLimit,
        precision: Precision = .integer,
        keyValueFormat: KeyValueFormat? = nil,
        weightFormat: WeightFormat = .automatic,
        outputInPlanes: Bool? = nil,
        promptForm: PromptForm = .automatic,
        pooling: Pooling? = nil
    ) {
        self.threads = threads
        self.contextLength = contextLength
        self.memoryLimit = memoryLimit
        self.promptCacheLimit = promptCacheLimit
        self.precision = precision
        self.keyValueFormat = keyValueFormat
        self.weightFormat = weightFormat
        self.outputInPlanes = outputInPlanes
        self.promptForm = promptForm
        self.pooling = pooling
    }
}
