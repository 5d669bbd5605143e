public import struct Collab.CollabError

/// A model file in the GGUF format, versions 2 and 3: metadata and a directory of tensors over mapped bytes.
///
/// Opening checks the whole directory, so that every view given out afterwards lies within the file: counts and
/// lengths against what is left, keys and names for uniqueness, shapes and offsets without overflow, tensors against
/// the end of the file and against each other. An error names the key or tensor and the byte.
///
/// Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.
public final class GGUFFile: Sendable {
    /// The mapped bytes.
    public let file: MappedFile
    /// The version of the format.
    public let version: Int
    /// The metadata.
    public let metadata: GGUFMetadata
    /// The tensors in the order of the file.
    public let tensors: [GGUFTensor]
    /// The number of bytes that tensors are aligned to, counted from ``dataOffset``.
    public let alignment: Int
    /// Where the tensors' bytes begin.
    public let dataOffset: Int
    private let index: [UTF8Key: Int]

    /// Opens a file.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound`, `inputOutput` or `malformedFile`.
    public convenience init(path: String) throws(CollabError) {
        try self.init(try MappedFile(path: path))
    }

    /// Reads the directory of a mapped file.
    public init(_ file: MappedFile) throws(CollabError) {
        let (header, metadata, alignment, directory) = try file.reading { () throws(CollabError) in
            var cursor = GGUFCursor(file: file)
            let header = try GGUFHeader(&cursor)
            let metadata = try GGUFMetadata(&cursor, count: header.keyCount)
            let alignment = try metadata.alignment(cursor)
            let directory = try GGUFDirectory(&cursor, count: header.tensorCount, alignment: alignment)
            return (header, metadata, alignment, directory)
        }
        self.file = file
        version = header.version
        self.metadata = metadata
        self.alignment = alignment
        tensors = directory.tensors
        dataOffset = directory.dataOffset
        index = directory.index
    }

    /// Where the file is.
    public var path: String { file.path }

    /// The tensor of a name, or `nil`.
    public func tensor(_ name: String) -> GGUFTensor? {
        index[UTF8Key(name)].map { tensors[$0] }
    }

    /// The bytes of a tensor; valid as long as the file's object lives.
    public func bytes(of tensor: GGUFTensor) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: file.bytes[tensor.offset..<tensor.offset + tensor.byteCount])
    }
}
