import Collab

/// Some tensors of a checkpoint under other names: the layers of a slice where they stand in the result.
struct CheckpointView: Checkpoint {
    let source: any Checkpoint
    let tensors: [TensorDescription]
    /// The names in the source, by those here.
    private let originals: [String: String]
    private let descriptions: [String: TensorDescription]

    var name: String { source.name }
    var specification: any ModelSpecification { source.specification }

    /// - Parameter names: the tensors' names here and in the source.
    init(_ source: any Checkpoint, names: [(name: String, original: String)]) {
        self.source = source
        tensors = names.compactMap { pair in
            source.description(of: pair.original).map {
                TensorDescription(name: pair.name, shape: $0.shape, format: $0.format)
            }
        }
        originals = Dictionary(names.map { ($0.name, $0.original) }) { first, _ in first }
        descriptions = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
    }

    /// What a tensor is called in the source.
    func original(of tensor: String) -> String { originals[tensor] ?? tensor }

    func description(of tensor: String) -> TensorDescription? { descriptions[tensor] }

    func storage(of tensor: String) -> TensorStorage? {
        originals[tensor].flatMap { source.storage(of: $0) }
    }

    func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        try source.read(original(of: tensor), elements: elements, into: buffer)
    }
}

/// The tensors of several checkpoints together.
struct StackedCheckpoint: Checkpoint {
    let name: String
    let tensors: [TensorDescription]
    let specification: any ModelSpecification
    /// The tokenizer, if it is not the one in the specification's folder alone.
    let tokenizer: ResultTokenizer?
    private let owners: [String: any Checkpoint]

    init(
        _ name: String,
        parts: [any Checkpoint],
        specification: any ModelSpecification,
        tokenizer: ResultTokenizer? = nil
    ) {
        self.name = name
        self.specification = specification
        self.tokenizer = tokenizer
        var owners: [String: any Checkpoint] = [:]
        var tensors: [TensorDescription] = []
        for part in parts {
            for tensor in part.tensors where owners[tensor.name] == nil {
                owners[tensor.name] = part
                tensors.append(tensor)
            }
        }
        self.owners = owners
        self.tensors = tensors
    }

    func description(of tensor: String) -> TensorDescription? { owners[tensor]?.description(of: tensor) }

    func storage(of tensor: String) -> TensorStorage? { owners[tensor]?.storage(of: tensor) }

    func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        guard let owner = owners[tensor] else {
            throw CollabError(.tensorMismatch, "\(name) has no tensor called “\(tensor)”.")
        }
        try owner.read(tensor, elements: elements, into: buffer)
    }
}

extension CheckpointView: RoundedCheckpoint {
    func readRounded(
        _ tensor: String,
        elements: Range<Int>,
        into bytes: UnsafeMutableRawBufferPointer
    ) throws(CollabError) -> Bool {
        guard let source = source as? any RoundedCheckpoint else { return false }
        return try source.readRounded(original(of: tensor), elements: elements, into: bytes)
    }
}

extension StackedCheckpoint: RoundedCheckpoint {
    func readRounded(
        _ tensor: String,
        elements: Range<Int>,
        into bytes: UnsafeMutableRawBufferPointer
    ) throws(CollabError) -> Bool {
        guard let owner = owners[tensor] as? any RoundedCheckpoint else { return false }
        return try owner.readRounded(tensor, elements: elements, into: bytes)
    }
}
