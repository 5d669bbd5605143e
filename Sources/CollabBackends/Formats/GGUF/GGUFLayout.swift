package import Collab

extension WeightLayout {
    /// A GGUF file of version 3: header, metadata, the directory of tensors, and padding up to 32 bytes, to which every
    /// tensor is aligned.
    ///
    /// Throws ``Collab/CollabError`` with `tensorMismatch` for a name given twice or longer than 64 bytes, for more than
    /// four dimensions, and for rows that are not whole blocks of their format.
    package init(
        gguf tensors: [TensorDescription],
        metadata: GGUFMetadataWriter
    ) throws(CollabError) {
        let alignment = 32
        var names: Set<UTF8Key> = []
        var (directory, offsets, end) = ([UInt8](), [Int](), 0)
        for tensor in tensors {
            guard names.insert(UTF8Key(tensor.name)).inserted else {
                throw CollabError(.tensorMismatch, "The tensor “\(tensor.name)” is there twice.")
            }
            guard tensor.name.utf8.count <= 64, tensor.shape.count <= 4 else {
                throw CollabError(
                    .tensorMismatch,
                    "“\(tensor.name)” of shape \(tensor.shape) has a name of more than 64 bytes or more than four "
                        + "dimensions, which a GGUF file cannot hold."
                )
            }
            guard (tensor.shape.last ?? 1) % tensor.format.blockElements == 0 else {
                throw CollabError(
                    .tensorMismatch,
                    "The rows of “\(tensor.name)” of shape \(tensor.shape) are not whole blocks of "
                        + "\(tensor.format.blockElements) elements, as \(tensor.format.rawValue) asks for."
                )
            }
            directory += gguf(tensor.name) + littleEndian(UInt32(tensor.shape.count))
            for extent in tensor.shape.reversed() { directory += littleEndian(UInt64(extent)) }
            directory += littleEndian(GGUFTensorType(tensor.format).id) + littleEndian(UInt64(end))
            offsets.append(end)
            end += (tensor.storedByteCount + alignment - 1) / alignment * alignment
        }
        var header = Array("GGUF".utf8) + littleEndian(UInt32(3))
        header += littleEndian(UInt64(tensors.count)) + littleEndian(UInt64(metadata.keys.count))
        header += metadata.bytes + directory
        header += repeatElement(0, count: (alignment - header.count % alignment) % alignment)
        self.init(tensors: tensors, offsets: offsets, header: header, byteCount: header.count + end)
    }
}
