public import Collab
import CollabKernels

/// A language model that runs in this process, on the processor.
///
/// Decoders of one model share its weights and the keys and values of common beginnings, and those that run at the
/// same time are computed as one batch. All work is done on threads of the model's own.
///
/// ```swift
/// let model = try await NativeModel(contentsOf: "SmolLM2-135M-Instruct.Q4_1.gguf")
/// print(try await model.respond(to: "What is the capital of France?").text)
/// ```
public final class NativeModel: WeightModel {
    /// What to call the model in traces, errors and prompts.
    public let name: String
    /// It runs in this process.
    public let profile = ModelProfile(locality: .local)
    /// The weights that the model was made from.
    public let checkpoint: any Checkpoint
    /// The model's shape.
    public let configuration: TransformerConfiguration
    /// How the model is run.
    public let options: NativeOptions
    /// The most tokens a decoder can hold.
    public let contextLength: Int
    let vocabulary: any ModelTokenizer
    let dialogue: DialogueRenderer?
    let engine: NativeEngine
    /// The low-rank changes that its decoders are under.
    let adapters: AdapterSet?

    /// The model's vocabulary.
    public var tokenizer: any Tokenizer { vocabulary }

    /// Loads a GGUF file, or a folder in Hugging Face's layout: `config.json`, `tokenizer.json`, and the weights in
    /// `model.safetensors` or in several files with an index.
    ///
    /// - Parameters:
    ///   - path: the file or folder.
    ///   - name: what to call the model; the file's name without its ending, or the folder's, if `nil`.
    ///   - options: how to run it.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound`, `inputOutput` or `malformedFile` for the file, `unsupported`
    /// for a model or tensor type that is not known here, `notFinite` for weights that are no numbers, and `memoryLimit`.
    public convenience init(
        contentsOf path: String,
        name: String? = nil,
        options: NativeOptions = NativeOptions()
    ) async throws(CollabError) {
        let checkpoint = try await Background.run { () throws(CollabError) -> any Checkpoint in
            // A file of safetensors alone is opened too: what it lacks is said where it is missed.
            isFolder(path) || path.hasSuffix(".safetensors")
                ? try SafetensorsCheckpoint(path: path, name: name)
                : try GGUFCheckpoint(path: path, name: name)
        }
        let file = checkpoint.name
        let stem = file.hasSuffix(".gguf") ? String(file.dropLast(5)) : file
        try await self.init(checkpoint: checkpoint, name: name ?? stem, options: options)
    }

    /// Makes a model from a checkpoint, which may be computed: a merge is run without touching the disk.
    ///
    /// The checkpoint's specification must be a ``GGUFSpecification`` or a ``HuggingFaceSpecification``.
    /// Throws what ``init(contentsOf:name:options:)`` throws.
    public convenience init(
        checkpoint: any Checkpoint,
        name: String? = nil,
        options: NativeOptions = NativeOptions()
    ) async throws(CollabError) {
        let configuration = try await Background.run { () throws(CollabError) in
            // The cheap checks first.
            let configuration = try TransformerConfiguration(
                describing: checkpoint,
                contextLength: options.contextLength
            )
            try configuration.validate(against: checkpoint)
            return configuration
        }
        // A large vocabulary takes as long to read as a part of the weights, so both are read at once.
        async let text = Background.result { () throws(CollabError) in
            let text = try ModelText(checkpoint, configuration)
            try text.validate(configuration, checkpoint)
            return text
        }
        async let engine = Background.result { () throws(CollabError) in
            try Self.makeEngine(checkpoint, configuration, options)
        }
        self.init(
            checkpoint: checkpoint,
            name: name ?? checkpoint.name,
            configuration: configuration,
            text: try await text.get(),
            engine: try await engine.get(),
            options: options
        )
    }

    convenience init(
        checkpoint: any Checkpoint,
        name: String,
        configuration: TransformerConfiguration,
        text: ModelText,
        options: NativeOptions
    ) async throws(CollabError) {
        try text.validate(configuration, checkpoint)
        let engine = try await Background.run { () throws(CollabError) in
            try Self.makeEngine(checkpoint, configuration, options)
        }
        self.init(
            checkpoint: checkpoint,
            name: name,
            configuration: configuration,
            text: text,
            engine: engine,
            options: options
        )
    }

    private init(
        checkpoint: any Checkpoint,
        name: String,
        configuration: TransformerConfiguration,
        text: ModelText,
        engine: NativeEngine,
        options: NativeOptions
    ) {
        self.name = name
        self.checkpoint = checkpoint
        self.configuration = configuration
        self.options = options
        vocabulary = text.vocabulary
        dialogue = text.dialogue
        adapters = nil
        contextLength = min(options.contextLength ?? configuration.contextLength, configuration.contextLength)
        self.engine = engine
    }

    /// Brings the weights into memory and starts the threads.
    private static func makeEngine(
        _ checkpoint: any Checkpoint,
        _ configuration: TransformerConfiguration,
        _ options: NativeOptions
    ) throws(CollabError) -> NativeEngine {
        if let limit = options.contextLength, limit < 1 {
            throw CollabError(.invalidRequest, "The context length is \(limit); it must be at least 1.")
        }
        let threads = options.threads ?? WorkerPool.physicalCores
        guard (1...256).contains(threads) else {
            throw CollabError(.invalidRequest, "A model is run by 1 to 256 threads, not by \(threads).")
        }
        guard options.promptCacheLimit >= 0 else {
            throw CollabError(
                .invalidRequest,
                "The prompt cache cannot have \(options.promptCacheLimit) bytes; 0 turns it off."
            )
        }
        let weights = try Weights(
            checkpoint,
            configuration: configuration,
            format: options.weightFormat,
            outputInPlanes: options.outputInPlanes ?? KernelLevel.best.gainsFromPlanes,
            memoryLimit: options.memoryLimit,
            workers: threads
        )
        return try NativeEngine(
            weights: weights,
            precision: options.precision,
            threads: threads,
            memoryLimit: options.memoryLimit,
            promptCacheLimit: options.promptCacheLimit,
            keyValueFormat: options.keyValueFormat,
            identity: ModelIdentity(checkpoint, configuration, options)
        )
    }

    /// A model's engine and vocabulary, with adapters in force.
    init(_ base: NativeModel, under adapters: AdapterSet?, name: String) {
        self.name = name
        self.adapters = adapters
        checkpoint = base.checkpoint
        configuration = base.configuration
        options = base.options
        vocabulary = base.vocabulary
        dialogue = base.dialogue
        contextLength = base.contextLength
        engine = base.engine
    }

    /// The same model over other weights of the same shapes.
    ///
    /// The new weights are loaded; the vocabulary is shared.
    /// Throws ``Collab/CollabError`` with `tensorMismatch` if the tensors do not fit.
    public func replacingWeights(with checkpoint: any Checkpoint) async throws(CollabError) -> any WeightModel
    {
        do throws(CollabError) {
            try configuration.validate(against: checkpoint)
        } catch {
            throw CollabError(.tensorMismatch, "\(checkpoint.name) does not fit \(name).", cause: error)
        }
        return try await NativeModel(
            checkpoint: checkpoint,
            name: checkpoint.name,
            configuration: configuration,
            text: ModelText(vocabulary: vocabulary, dialogue: dialogue),
            options: options
        )
    }

    /// What remembering the beginnings of texts has saved since the model was loaded, under any adapters.
    public var promptCache: PromptCacheStatistics { engine.keyValues.prefixes.statistics }

    /// A decoder that has read nothing yet.
    public func makeDecoder() async throws(CollabError) -> any Decoder { makeNativeDecoder() }

    /// A decoder that has read some tokens, with the logits of the next.
    ///
    /// What an earlier text began with alike is not computed again, nor what a text begins with alike that is being
    /// computed: five that are started together compute what they have in common once.
    /// Throws ``Collab/CollabError`` with `invalidRequest` for no tokens, and what a decoder's append throws.
    public func startDecoding(reading tokens: [TokenID]) async throws(CollabError) -> DecodingStart {
        guard !tokens.isEmpty else {
            throw CollabError(
                .invalidRequest,
                "The request has no tokens for \(name): there is nothing to answer."
            )
        }
        let decoder = makeNativeDecoder()
        let readout = Readout(kind: .logits, positions: tokens.count - 1..<tokens.count)
        let (output, cached) = try await decoder.readPrompt(tokens, readout)
        guard case .logits(let logits) = output, let last = logits.first else {
            preconditionFailure("logits were asked for")
        }
        return DecodingStart(
            decoder: decoder,
            logits: last,
            promptTokens: tokens.count,
            cachedTokens: cached
        )
    }

    func makeNativeDecoder(_ sequence: KeyValueSequence? = nil) -> NativeDecoder {
        NativeDecoder(
            engine: engine,
            name: name,
            contextLength: contextLength,
            sequence: sequence ?? KeyValueSequence(pool: engine.keyValues, adapters: adapters)
        )
    }
}
