import Collab
import CollabBackends

/// A file that a merge reads.
struct InputFile: Sendable {
    /// The model as the configuration names it.
    let model: String
    let file: MappedFile
    /// The state that it is in.
    let stamp: FileStamp

    init(model: String, file: MappedFile) {
        self.model = model
        self.file = file
        stamp = FileStamp(of: file.path)
    }
}

/// Opens the models that a configuration names, each once.
///
/// Paths are relative to the current folder, as in mergekit.
final class ModelShelf {
    private var opened: [ModelReference: any Checkpoint] = [:]
    /// What is in the files of models beside weights.
    private var buffers: [ModelReference: [StoredBuffer]] = [:]
    private let named: [String: any Checkpoint]
    private let folder: String?
    /// The files that what has been opened is stored in, each with the model that it belongs to.
    private(set) var files: [InputFile] = []

    /// - Parameters:
    ///   - named: what names may stand for beside paths.
    ///   - folder: what paths are relative to; `nil` for the current folder.
    init(named: [String: any Checkpoint], folder: String?) {
        self.named = named
        self.folder = folder
    }

    /// The weights of a model.
    func checkpoint(_ reference: ModelReference) throws(CollabError) -> any Checkpoint {
        if let known = opened[reference] { return known }
        if let known = named[reference.description] { return known }
        if let revision = reference.revision {
            throw CollabError(
                .unsupported,
                "\(reference) asks for the revision \(revision) from a hub; name a folder that holds it instead."
            )
        }
        let checkpoint = try open(reference)
        opened[reference] = checkpoint
        return checkpoint
    }

    /// The tensors of whole numbers and truth values of a model that is read from safetensors, by itself or with an
    /// adapter.
    func buffers(of reference: ModelReference) -> [StoredBuffer] {
        buffers[ModelReference(path: reference.path, revision: reference.revision)] ?? []
    }

    /// The tokenizer of a model that is the result of another document, by itself or with an adapter.
    func tokenizer(of reference: ModelReference) -> ResultTokenizer? {
        let plain = ModelReference(path: reference.path, revision: reference.revision)
        let known = named[reference.description] ?? named[plain.description]
        return (known as? StackedCheckpoint)?.tokenizer
    }

    /// Lets another checkpoint stand for a model from now on.
    func replace(_ reference: ModelReference, with checkpoint: any Checkpoint) {
        opened[reference] = checkpoint
    }

    private func open(_ reference: ModelReference) throws(CollabError) -> any Checkpoint {
        let name = reference.description
        let path = located(reference.path)
        if reference.path.hasSuffix(".bin") || reference.path.hasSuffix(".pt")
            || reference.path.hasSuffix(".pth")
        {
            throw CollabError(
                .unsupported,
                "\(name) is a PyTorch pickle, which can run code of its author when it is read; convert it to safetensors."
            )
        }
        if let adapter = reference.adapter {
            let base = try checkpoint(ModelReference(path: reference.path, revision: reference.revision))
            let path = located(adapter)
            let change = try LowRankAdapter(contentsOf: path, name: adapter)
            let parts =
                path.hasSuffix(".gguf") ? [""] : ["/adapter_config.json", "/adapter_model.safetensors"]
            for part in parts { try note(path + part, of: adapter) }
            return try change.applied(to: base)
        }
        if path.hasSuffix(".gguf") {
            // Under the names of transformers, so that filters mean the same and files of both kinds merge.
            let checkpoint = try GGUFCheckpoint(path: path, name: name)
            files.append(InputFile(model: name, file: checkpoint.file.file))
            return try RenamedCheckpoint(checkpoint, as: .huggingFace)
        }
        do throws(CollabError) {
            let checkpoint = try SafetensorsCheckpoint(path: path, name: name)
            files += checkpoint.files.map { InputFile(model: name, file: $0.file) }
            buffers[reference] = checkpoint.integerTensors.map {
                StoredBuffer($0.tensor, of: $0.file, named: $0.tensor.name)
            }
            return checkpoint
        } catch  where error.code == .fileNotFound && Self.holdsPickles(path) {
            throw CollabError(
                .unsupported,
                "\(name) holds PyTorch pickles, which can run code of their author when they are read; convert them to "
                    + "safetensors.",
                cause: error
            )
        }
    }

    /// Notes a file that is read beside the weights.
    func note(_ path: String, of model: String) throws(CollabError) {
        files.append(InputFile(model: model, file: try MappedFile(path: path)))
    }

    /// Notes those of some files that a model's folder has, each once: they shape the result beside the weights.
    func note(_ names: [String], in checkpoint: any Checkpoint) {
        guard let folder = (checkpoint.specification as? HuggingFaceSpecification)?.folder else { return }
        for name in names where folder.contains(name) {
            // What cannot be opened matters when it is written, not to who only measures.
            guard let file = try? folder.map(name) else { continue }
            guard !files.contains(where: { $0.file.path == file.path }) else { continue }
            files.append(InputFile(model: checkpoint.name, file: file))
        }
    }

    /// Where a path leads to.
    func located(_ path: String) -> String {
        guard let folder, !path.hasPrefix("/") else { return path }
        return folder + "/" + path
    }

    private static func holdsPickles(_ path: String) -> Bool {
        guard let folder = try? ModelFolder(path: path) else { return false }
        return folder.contains("pytorch_model.bin") || folder.contains("pytorch_model.bin.index.json")
    }
}
