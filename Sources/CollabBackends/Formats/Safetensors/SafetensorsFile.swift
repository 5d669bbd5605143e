public import struct Collab.CollabError

/// A file in the safetensors format: named tensors over mapped bytes.
///
/// Opening checks the whole header: its length and its JSON (duplicate keys, also after unescaping, are refused),
/// each tensor's type, shape and range, and that the ranges cover the rest of the file without hole or overlap.
///
/// Format: <https://github.com/huggingface/safetensors#format>.
public final class SafetensorsFile: Sendable {
    /// The mapped bytes.
    public let file: MappedFile
    /// The texts that the file has under `__metadata__`.
    public let metadata: [String: String]
    /// The tensors in the order of their bytes.
    public let tensors: [SafetensorsTensor]
    private let index: [UTF8Key: Int]

    /// Opens a file.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound`, `inputOutput` or `malformedFile`.
    public convenience init(path: String) throws(CollabError) {
        try self.init(try MappedFile(path: path))
    }

    /// Reads the header of a mapped file.
    public init(_ file: MappedFile) throws(CollabError) {
        let header = try file.reading { () throws(CollabError) in try SafetensorsHeader(file) }
        self.file = file
        metadata = header.metadata
        tensors = header.tensors
        var index = [UTF8Key: Int](minimumCapacity: tensors.count)
        for (position, tensor) in tensors.enumerated() { index[UTF8Key(tensor.name)] = position }
        self.index = index
    }

    /// Where the file is.
    public var path: String { file.path }

    /// The tensor of a name, or `nil`.
    public func tensor(_ name: String) -> SafetensorsTensor? {
        index[UTF8Key(name)].map { tensors[$0] }
    }

    /// The bytes of a tensor; valid as long as the file's object lives.
    public func bytes(of tensor: SafetensorsTensor) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: file.bytes[tensor.offset..<tensor.offset + tensor.byteCount])
    }
}
