public import Collab
import CollabKernels

extension GGUFFile {
    /// Saves a model as a GGUF file: weights, metadata and tokenizer.
    ///
    /// - Parameters:
    ///   - checkpoint: the weights, with the names of either format; computed ones are computed as they are written, a
    ///     piece at a time. Tensors that are stored as they are to be are copied byte by byte.
    ///   - path: where the file will be; it appears when it is complete.
    ///   - quantisation: in which formats the tensors are stored.
    ///   - tokenizer: whose tokenizer the file gets; `nil`: the checkpoint's own.
    ///
    /// Throws what reading throws, and ``Collab/CollabError`` with `unsupported` for an architecture or tokenizer that
    /// is not written here, `notFinite` naming the tensor for a weight that is NaN, infinite or larger than its format
    /// holds, `inputOutput`, and `cancelled`.
    public static func save(
        _ checkpoint: any Checkpoint,
        to path: String,
        as quantisation: GGUFQuantisation,
        tokenizer: (any Checkpoint)? = nil
    ) throws(CollabError) {
        let weights = try RenamedCheckpoint(checkpoint, as: .gguf)
        let tensors = weights.tensors.map { tensor in
            TensorDescription(name: tensor.name, shape: tensor.shape, format: quantisation.format(of: tensor))
        }
        let metadata = try GGUFMetadataWriter(
            describing: checkpoint,
            tokenizer: tokenizer,
            quantisation: quantisation
        )
        let layout = try WeightLayout(gguf: tensors, metadata: metadata)
        let output = try AtomicFile(path: path)
        try layout.header.withUnsafeBufferPointer { (header) throws(CollabError) in
            try output.write(UnsafeRawBufferPointer(header), at: 0)
        }
        let step = 1 << 18
        let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: step)
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: step * 4, alignment: 64)
        defer {
            values.deallocate()
            bytes.deallocate()
        }
        for (tensor, offset) in zip(layout.tensors, layout.offsets) {
            let start = layout.header.count + offset
            if let storage = weights.storage(of: tensor.name), storage.format == tensor.format {
                try storage.withBytes { (bytes) throws(CollabError) in
                    try checkFinite(bytes, of: tensor, in: checkpoint)
                    try output.write(bytes, at: start)
                }
                try storage.checkUnchanged()
                continue
            }
            var position = 0
            while position < tensor.elementCount {
                try checkCancellation()
                let count = min(step, tensor.elementCount - position)
                let piece = UnsafeMutableBufferPointer(rebasing: values[..<count])
                try weights.read(tensor.name, elements: position..<position + count, into: piece)
                if let bad = piece.firstIndex(where: { !$0.isFinite }) {
                    throw notFinite(tensor, position + bad, in: checkpoint)
                }
                let size = count / tensor.format.blockElements * tensor.format.blockBytes
                let target = UnsafeMutableRawBufferPointer(rebasing: bytes[..<size])
                do throws(KernelError) {
                    try TensorConversion.quantize(UnsafeBufferPointer(piece), as: tensor.format, into: target)
                } catch {
                    throw CollabError(.unsupported, "“\(tensor.name)” cannot be stored.", cause: error)
                }
                try checkOverflow(
                    of: UnsafeBufferPointer(piece),
                    to: tensor.format,
                    as: UnsafeRawBufferPointer(target),
                    in: tensor.name,
                    from: position
                )
                try output.write(
                    UnsafeRawBufferPointer(target),
                    at: start + position / tensor.format.blockElements * tensor.format.blockBytes
                )
                position += count
            }
        }
        // The last tensor is padded as all others are.
        if layout.byteCount > 0 {
            let end = layout.byteCount - 1
            let last = layout.offsets.last.map { $0 + (layout.tensors.last?.storedByteCount ?? 0) } ?? 0
            if layout.header.count + last <= end {
                try withUnsafeBytes(of: UInt8(0)) { (byte) throws(CollabError) in
                    try output.write(byte, at: end)
                }
            }
        }
        try output.finish()
    }

    private static func checkFinite(
        _ bytes: UnsafeRawBufferPointer,
        of tensor: TensorDescription,
        in checkpoint: any Checkpoint
    ) throws(CollabError) {
        func isFinite(_ elements: Range<Int>) -> Bool {
            TensorConversion.isFinite(tensor.format, bytes: bytes, elements: elements)
        }
        if isFinite(0..<tensor.elementCount) { return }
        let width = tensor.format.blockElements
        let bad = stride(from: 0, to: tensor.elementCount, by: width).first { !isFinite($0..<$0 + width) }
        throw notFinite(tensor, bad ?? 0, in: checkpoint)
    }

    private static func notFinite(
        _ tensor: TensorDescription,
        _ element: Int,
        in checkpoint: any Checkpoint
    ) -> CollabError {
        CollabError(
            .notFinite,
            "Element \(element) of the tensor “\(tensor.name)” of \(checkpoint.name) is no finite number."
        )
    }
}
