public import Collab
import CollabKernels

/// An encoder of the BERT family that runs in this process, such as all-MiniLM-L6-v2.
///
/// A text becomes one vector of unit length: its tokens go through the encoder, their states are averaged (or the first
/// is taken, where the folder says so), and the mean is scaled. Work is done on threads of the encoder's own.
///
/// ```swift
/// let encoder = try await NativeEncoder(contentsOf: "all-MiniLM-L6-v2")
/// let vectors = try await encoder.embed(["a cat", "a kitten"])
/// ```
public final class NativeEncoder: EmbeddingModel {
    /// What to call the model.
    public let name: String
    /// The length of a vector.
    public var dimension: Int { configuration.width }
    /// How many tokens of a text are read, the beginning and end tokens included; what comes after is left out.
    public var maximumTokens: Int { configuration.maximumTokens }
    /// The model's vocabulary.
    public let tokenizer: any ModelTokenizer
    private let configuration: EncoderConfiguration
    private let pass: EncoderPass
    private let thread = EncoderThread()

    /// Loads a folder as Hugging Face's libraries write it, or a GGUF file.
    ///
    /// A folder has `config.json`, `tokenizer.json`, `model.safetensors`, and perhaps `sentence_bert_config.json` and
    /// `1_Pooling/config.json`. A GGUF file is of the architecture `bert`, with weights of any type that is read here; they
    /// are expanded to floats, but for the table of tokens.
    ///
    /// - Parameters:
    ///   - path: the folder or file.
    ///   - name: what to call the model; the folder's name, or the file's without its ending, if `nil`.
    ///   - threads: how many threads compute, 1 to 256; one for each physical core if `nil`.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound`, `inputOutput` or `malformedFile` for the files, `tensorMismatch`
    /// for tensors that do not fit the configuration, `notFinite` for weights that are no numbers, `memoryLimit` for an
    /// encoder larger than the machine's memory, and `unsupported` for
    /// architectures, poolings and tokenizers that are not known here.
    public convenience init(
        contentsOf path: String,
        name: String? = nil,
        threads: Int? = nil
    ) async throws(CollabError) {
        let parts = try await Background.run { () throws(CollabError) in
            try Parts(path: path, name: name, threads: threads ?? WorkerPool.physicalCores)
        }
        self.init(parts)
    }

    private init(_ parts: Parts) {
        name = parts.name
        tokenizer = parts.tokenizer
        configuration = parts.configuration
        pass = parts.pass
    }

    /// What is loaded.
    private struct Parts: Sendable {
        var name: String
        var tokenizer: any ModelTokenizer
        var configuration: EncoderConfiguration
        var pass: EncoderPass

        init(path: String, name: String?, threads: Int) throws(CollabError) {
            let checkpoint: any Checkpoint
            if isFolder(path) {
                let folder = try ModelFolder(path: path)
                configuration = try EncoderConfiguration(folder)
                tokenizer = try folder.makeTokenizer()
                checkpoint = try SafetensorsCheckpoint(path: path, name: name)
                self.name = checkpoint.name
            } else {
                let file = try GGUFCheckpoint(path: path, name: name)
                let specification = try GGUFSpecification(file: file.file)
                configuration = try EncoderConfiguration(specification, source: file.name)
                tokenizer = try specification.metadata.makeTokenizer()
                checkpoint = file
                self.name = name ?? (file.name.hasSuffix(".gguf") ? String(file.name.dropLast(5)) : file.name)
            }
            guard tokenizer.count <= configuration.vocabularySize else {
                throw CollabError(
                    .malformedFile,
                    "\(path) has \(tokenizer.count) tokens but embeddings for \(configuration.vocabularySize)."
                )
            }
            let frame = (tokenizer.markers.addsBegin ? 1 : 0) + (tokenizer.markers.addsEnd ? 1 : 0)
            guard configuration.maximumTokens > frame else {
                throw CollabError(.malformedFile, "\(path) leaves no room for text.")
            }
            try EncoderPass.checkSizes(configuration, workers: threads, name: self.name)
            let weights = try EncoderWeights(checkpoint, configuration)
            do throws(KernelError) {
                pass = EncoderPass(weights, pool: try WorkerPool(workers: threads))
            } catch {
                throw CollabError(.invalidRequest, "\(error)")
            }
        }
    }

    /// One vector a text, in order, each of unit length.
    ///
    /// Texts of similar length are computed together. A text of more than ``maximumTokens`` tokens is cut; an empty one
    /// is what its beginning and end tokens make it.
    ///
    /// Throws ``Collab/CollabError`` with `cancelled` within a batch of some hundred tokens, and `notFinite`.
    public func embed(_ texts: [String]) async throws(CollabError) -> [[Float]] {
        try checkCancellation()
        if texts.isEmpty { return [] }
        let isCancelled = Protected(false)
        let read = Protected(0)
        let work = { @Sendable () throws(CollabError) -> [[Float]] in
            try self.compute(texts, read: read) { isCancelled.withLock { $0 } }
        }
        defer { Run.spend(Usage(promptTokens: read.withLock { $0 })) }
        do {
            return try await withTaskCancellationHandler {
                try await thread.run(work)
            } onCancel: {
                isCancelled.withLock { $0 = true }
            }
        } catch {
            throw CollabError(wrapping: error)
        }
    }

    /// The tokens of a text that are read: its frame, and as many of its own as fit.
    func tokens(of text: String) throws(CollabError) -> [TokenID] {
        let markers = tokenizer.markers
        let frame = (markers.addsBegin ? 1 : 0) + (markers.addsEnd ? 1 : 0)
        var tokens = Array(
            try tokenizer.encode(text, parsingSpecialTokens: false).prefix(
                configuration.maximumTokens - frame
            )
        )
        if markers.addsBegin, let begin = markers.begin { tokens.insert(begin, at: 0) }
        if markers.addsEnd, let end = markers.end { tokens.append(end) }
        // A vocabulary without a frame makes nothing of nothing.
        if tokens.isEmpty, let padding = markers.padding ?? markers.unknown { tokens.append(padding) }
        return tokens
    }

    private func compute(
        _ texts: [String],
        read: Protected<Int>,
        isCancelled: () -> Bool
    ) throws(CollabError) -> [[Float]] {
        var sequences: [[TokenID]] = []
        for text in texts {
            if isCancelled() { throw .cancelled }
            sequences.append(try tokens(of: text))
        }
        read.withLock { $0 = sequences.reduce(0) { $0 + $1.count } }
        let order = sequences.indices.sorted {
            (sequences[$0].count, $0) < (sequences[$1].count, $1)
        }
        var vectors = [[Float]](repeating: [], count: texts.count)
        var batch: [Int] = []
        var rows = 0
        func flush() throws(CollabError) {
            if batch.isEmpty { return }
            if isCancelled() { throw .cancelled }
            let computed = try pass.run(batch.map { sequences[$0] })
            for (index, vector) in zip(batch, computed) { vectors[index] = vector }
            (batch, rows) = ([], 0)
        }
        for index in order {
            if rows + sequences[index].count > pass.capacity { try flush() }
            batch.append(index)
            rows += sequences[index].count
        }
        try flush()
        return vectors
    }
}
