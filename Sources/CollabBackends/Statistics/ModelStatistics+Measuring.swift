public import Collab

extension ModelStatistics {
    /// What is measured.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Gram matrices of the vectors that enter the matrices.
        case gram
        /// The diagonal of the Fisher information.
        case fisher
    }

    /// Measures a model on texts.
    ///
    /// Gram matrices are collected by the engine while it reads, in its exact precision or as `options` say. The Fisher
    /// information is that of the model's own predictions: after every token of a text one continuation is drawn from the
    /// model, and the gradient of the sum of their log-probabilities is squared. Continuations are drawn independently, so
    /// that on average the products between them vanish, and what is returned, divided by the number of tokens, is an
    /// unbiased estimate of the mean over tokens of E[(∂ log p)²]; texts of a few hundred tokens give many such estimates.
    /// It is computed by a backward pass over weights expanded to float32, which with the result takes eight bytes a
    /// weight, on one thread.
    ///
    /// - Parameters:
    ///   - checkpoint: the model, a folder's or a GGUF file's weights; tensors are named as transformers does either way.
    ///   - texts: tokens, each text by itself; those of fewer than two tokens tell nothing and are left out.
    ///   - kinds: what is measured.
    ///   - seed: where the draws begin.
    ///   - options: how the engine reads.
    ///   - report: told after each text how many have been read.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` if there is no text, `unsupported` for architectures that the
    /// engine does not run, `notFinite`, `cancelled`, and what reading the weights throws.
    public static func measure(
        _ checkpoint: any Checkpoint,
        on texts: [[TokenID]],
        kinds: Set<Kind> = [.gram, .fisher],
        seed: UInt64 = 0,
        options: NativeOptions = NativeOptions(precision: .float),
        reporting report: @escaping @Sendable (Kind, Int) -> Void = { _, _ in }
    ) async throws(CollabError) -> ModelStatistics {
        let texts = texts.filter { $0.count > 1 }
        guard !texts.isEmpty else {
            throw CollabError(
                .invalidRequest,
                "Statistics of \(checkpoint.name) need texts of at least two tokens."
            )
        }
        let renamed =
            checkpoint.description(of: ModelTensor.embedding.name(.huggingFace)) == nil
            ? try RenamedCheckpoint(checkpoint, as: .huggingFace) : checkpoint
        var tensors: [MemoryCheckpoint.Tensor] = []
        if kinds.contains(.gram) {
            tensors += try await gramMatrices(of: renamed, on: texts, options: options) { report(.gram, $0) }
        }
        if kinds.contains(.fisher) {
            let weights = try TrainableWeights(renamed)
            tensors += try await Background.run { () throws(CollabError) in
                try FisherSum(weights, renamed, seed: seed).run(texts) { report(.fisher, $0) }
            }
        }
        return ModelStatistics(try MemoryCheckpoint("statistics of \(checkpoint.name)", tensors: tensors))
    }

    private static func gramMatrices(
        of checkpoint: any Checkpoint,
        on texts: [[TokenID]],
        options: NativeOptions,
        _ report: (Int) -> Void
    ) async throws(CollabError) -> [MemoryCheckpoint.Tensor] {
        let configuration = try TransformerConfiguration(describing: checkpoint)
        let model = try await NativeModel(
            checkpoint: checkpoint,
            name: checkpoint.name,
            configuration: configuration,
            text: ModelText(vocabulary: NamelessTokens(count: configuration.vocabularySize), dialogue: nil),
            options: options
        )
        let collector = GramCollector(configuration)
        for (index, text) in texts.enumerated() {
            _ = try await model.makeNativeDecoder().run(text, Readout(), probe: collector.probe)
            report(index + 1)
        }
        var tensors: [MemoryCheckpoint.Tensor] = []
        for layer in configuration.layers.indices {
            for tensor in GramCollector.sites {
                guard let place = configuration.place(of: tensor, in: layer),
                    let values = collector.mean(layer: layer, tensor: tensor)
                else { continue }
                let width = place.storedShape[1]
                tensors.append(.init("gram/" + place.name, shape: [width, width], values: values))
            }
        }
        return tensors
    }

    /// Saves the statistics as a safetensors file, whose tensors are named as ``ModelStatistics`` says.
    ///
    /// - Parameter metadata: what else the file should say, such as the texts.
    ///
    /// Throws what writing throws.
    public func save(to path: String, metadata: [String: String] = [:]) throws(CollabError) {
        try SafetensorsWriter.save(
            tensors,
            to: path,
            metadata: metadata.merging(["format": "pt", "collab.statistics": "1"]) { $1 }
        )
    }

    /// Reads statistics from a safetensors file.
    ///
    /// Throws what opening the file throws.
    public init(contentsOf path: String) throws(CollabError) {
        self.init(try SafetensorsCheckpoint(path: path))
    }
}

/// A vocabulary of ids alone: statistics are of tokens.
private struct NamelessTokens: ModelTokenizer {
    var count: Int
    var endTokens: Set<TokenID> { [] }
    var markers: SequenceMarkers { SequenceMarkers() }
    var fingerprint: VocabularyFingerprint { VocabularyFingerprint(count: count, hash: 0) }

    func encode(_ text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] { [] }
    func bytes(of token: TokenID) -> [UInt8] { [] }
    func isControl(_ token: TokenID) -> Bool { false }
    func specialToken(named name: String) -> TokenID? { nil }
    func spelling(of token: TokenID) -> [UInt8] { [] }
}
