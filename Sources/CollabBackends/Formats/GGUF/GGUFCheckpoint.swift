public import Collab

/// The weights in a GGUF file.
///
/// Nothing is read until it is asked for; quantised tensors stay as they are in ``storage(of:)`` and are expanded by
/// ``read(_:elements:into:)``.
public struct GGUFCheckpoint: Checkpoint {
    /// What to call it in traces and errors.
    public let name: String
    /// The file.
    public let file: GGUFFile
    /// The file's metadata: a ``GGUFSpecification``.
    public let specification: any ModelSpecification
    private let stored: StoredTensors

    /// Opens a file.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - name: what to call it; the last part of the path if `nil`.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound`, `malformedFile`, `inputOutput`, or `unsupported` for
    /// weights in a type that is not read here and for one part of a model in several files.
    public init(path: String, name: String? = nil) throws(CollabError) {
        try self.init(try GGUFFile(path: path), name: name)
    }

    /// The weights of an open file.
    public init(_ file: GGUFFile, name: String? = nil) throws(CollabError) {
        let label = name ?? lastComponent(of: file.path)
        specification = try GGUFSpecification(file: file)
        if let parts = try file.metadata.integer("split.count"), parts > 1 {
            throw CollabError(
                .unsupported,
                "\(file.path) is one of \(parts) parts of a model; join them into one file first."
            )
        }
        var stored: [StoredTensor] = []
        stored.reserveCapacity(file.tensors.count)
        for tensor in file.tensors {
            guard let format = tensor.type.format else {
                throw CollabError(
                    .unsupported,
                    "The tensor “\(tensor.name.abbreviated)” of \(file.path) is of type \(tensor.type); weights are read in "
                        + "\(GGUFTensorType.supportedNames)."
                )
            }
            stored.append(
                StoredTensor(
                    description: TensorDescription(name: tensor.name, shape: tensor.shape, format: format),
                    file: file.file,
                    offset: tensor.offset,
                    byteCount: tensor.byteCount
                )
            )
        }
        self.name = label
        self.file = file
        self.stored = StoredTensors(stored, name: label)
    }

    /// The tensors, in the order of the file.
    public var tensors: [TensorDescription] { stored.descriptions }

    /// The description of a tensor, or `nil`.
    public func description(of tensor: String) -> TensorDescription? { stored[tensor]?.description }

    /// The bytes of a tensor as they are in the file.
    public func storage(of tensor: String) -> TensorStorage? { stored.storage(of: tensor) }

    /// Reads a range of a tensor's elements as float32.
    public func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        try stored.read(tensor, elements: elements, into: buffer)
    }
}
