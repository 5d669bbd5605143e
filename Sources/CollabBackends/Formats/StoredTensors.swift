import Collab
import CollabKernels

/// A tensor whose bytes are in a mapped file.
struct StoredTensor: Sendable {
    var description: TensorDescription
    var file: MappedFile
    /// Where the first byte is, counted from the beginning of the file.
    var offset: Int
    var byteCount: Int

    /// The bytes; valid as long as the file's object lives.
    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: file.bytes.baseAddress! + offset, count: byteCount)
    }
}

/// The tensors of a checkpoint in files, found by name in constant time.
struct StoredTensors: Sendable {
    let descriptions: [TensorDescription]
    private let tensors: [StoredTensor]
    private let index: [UTF8Key: Int]
    /// What the checkpoint is called, for messages.
    private let name: String

    init(_ tensors: [StoredTensor], name: String) {
        self.tensors = tensors
        self.name = name
        descriptions = tensors.map(\.description)
        var index = [UTF8Key: Int](minimumCapacity: tensors.count)
        for (position, tensor) in tensors.enumerated() { index[UTF8Key(tensor.description.name)] = position }
        self.index = index
    }

    /// The tensor of a name, or `nil`.
    subscript(name: String) -> StoredTensor? {
        index[UTF8Key(name)].map { tensors[$0] }
    }

    func storage(of name: String) -> TensorStorage? {
        self[name].map { tensor in
            TensorStorage(
                format: tensor.description.format,
                bytes: tensor.bytes,
                owner: tensor.file,
                check: { [file = tensor.file] () throws(CollabError) in try file.checkUnchanged() }
            )
        }
    }

    func read(
        _ name: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        guard let tensor = self[name] else {
            throw CollabError(.tensorMismatch, "\(self.name) has no tensor called “\(name)”.")
        }
        let count = tensor.description.elementCount
        guard elements.lowerBound >= 0, elements.upperBound <= count, buffer.count == elements.count else {
            throw CollabError(
                .tensorMismatch,
                "The elements \(elements) of “\(name)”, which has \(count), cannot be read into \(buffer.count)."
            )
        }
        try tensor.file.reading { () throws(CollabError) in
            try expand(tensor.description.format, tensor.bytes, elements: elements, into: buffer)
        }
    }
}
