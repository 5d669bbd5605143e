package import Collab

/// A tensor of whole numbers or truth values in a file, which goes into another file as it is.
package struct StoredBuffer: Sendable {
    /// What it is called where it goes.
    package let name: String
    /// How it is stored.
    package let tensor: SafetensorsTensor
    private let file: MappedFile

    package init(_ tensor: SafetensorsTensor, of file: SafetensorsFile, named name: String) {
        self.name = name
        self.tensor = tensor
        self.file = file.file
    }

    private init(_ other: StoredBuffer, named name: String) {
        self.name = name
        (tensor, file) = (other.tensor, other.file)
    }

    /// The same under another name.
    package func renamed(_ name: String) -> StoredBuffer { StoredBuffer(self, named: name) }

    /// Gives its bytes to a closure.
    ///
    /// Throws what the closure throws, and ``Collab/CollabError`` with `malformedFile` where the file has changed since.
    package func withBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(CollabError) -> Result
    ) throws(CollabError) -> Result {
        let bytes = UnsafeRawBufferPointer(
            rebasing: file.bytes[tensor.offset..<tensor.offset + tensor.byteCount]
        )
        let result = try body(bytes)
        try file.checkUnchanged()
        return result
    }

    /// Whether another one has the same type, shape and bytes.
    package func isSame(as other: StoredBuffer) throws(CollabError) -> Bool {
        guard tensor.type == other.tensor.type, tensor.shape == other.tensor.shape else { return false }
        return try withBytes { (bytes) throws(CollabError) in
            try other.withBytes { (others) throws(CollabError) in bytes.elementsEqual(others) }
        }
    }
}
