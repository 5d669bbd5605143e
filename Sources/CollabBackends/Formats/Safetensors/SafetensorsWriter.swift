public import Collab
import CollabKernels

/// Writes a safetensors file tensor by tensor, in any order, without ever holding more than what it is given.
///
/// All names, shapes and types are known before; the header is written at once and each tensor has its place. The
/// bytes go into a file of a temporary name beside the target, which ``finish()`` makes durable and renames: a
/// reader sees the old file or the whole new one, and a writer that is dropped leaves nothing behind. Several tasks
/// may write different tensors at the same time.
public final class SafetensorsWriter: Sendable {
    /// Where the file will be.
    public let path: String
    private let output: AtomicFile
    private let slots: [UTF8Key: Slot]
    /// How many elements of each tensor have been written, from its beginning.
    private let written: Protected<[UTF8Key: Int]>

    private struct Slot: Sendable {
        var format: TensorFormat
        var elementCount: Int
        var offset: Int
    }

    /// Begins a file.
    ///
    /// - Parameters:
    ///   - path: where the file will be; its folder must exist.
    ///   - tensors: all tensors, in the formats F32, F16 or BF16. Their bytes are laid out by falling element size,
    ///     so that every tensor is aligned to its elements.
    ///   - metadata: texts for `__metadata__`.
    ///
    /// Throws ``Collab/CollabError`` with `unsupported` for quantised formats, `tensorMismatch` for a name given
    /// twice or reserved or a shape that is too large, `inputOutput` if the file cannot be written.
    public init(
        path: String,
        tensors: [TensorDescription],
        metadata: [String: String] = [:]
    ) throws(CollabError) {
        let layout = try WeightLayout(safetensors: tensors, metadata: metadata)
        var slots: [UTF8Key: Slot] = [:]
        for (tensor, offset) in zip(layout.tensors, layout.offsets) {
            slots[UTF8Key(tensor.name)] = Slot(
                format: tensor.format,
                elementCount: tensor.elementCount,
                offset: layout.header.count + offset
            )
        }
        self.path = path
        self.slots = slots
        written = Protected(slots.mapValues { _ in 0 })
        output = try AtomicFile(path: path)
        try layout.header.withUnsafeBufferPointer { (header) throws(CollabError) in
            try output.write(UnsafeRawBufferPointer(header), at: 0)
        }
    }

    /// Writes the next elements of a tensor, rounded to its format.
    ///
    /// Throws ``Collab/CollabError`` with `tensorMismatch` if there is no such tensor or it is full, `notFinite` for a
    /// number larger than its format holds, `inputOutput` if they cannot be written, for example because the disk is
    /// full.
    public func append(_ values: UnsafeBufferPointer<Float>, to tensor: String) throws(CollabError) {
        guard let slot = slots[UTF8Key(tensor)] else {
            throw CollabError(.tensorMismatch, "\(path) has no tensor called “\(tensor)”.")
        }
        let key = UTF8Key(tensor)
        let first = try written.withLock { (written) throws(CollabError) in
            let first = written[key] ?? 0
            guard values.count <= slot.elementCount - first else {
                throw CollabError(
                    .tensorMismatch,
                    "“\(tensor)” has \(slot.elementCount) elements; \(first) and then \(values.count) were written."
                )
            }
            written[key] = first + values.count
            return first
        }
        let place = slot.offset + first * slot.format.blockBytes
        if slot.format == .f32 {
            try output.write(UnsafeRawBufferPointer(values), at: place)
        } else {
            try writeRounded(values, slot.format, at: place, of: tensor, from: first)
        }
    }

    /// Writes the next elements of a tensor, rounded to its format.
    public func append(_ values: [Float], to tensor: String) throws(CollabError) {
        try values.withUnsafeBufferPointer { (values) throws(CollabError) in try append(values, to: tensor) }
    }

    /// Makes the file durable and puts it in its place.
    ///
    /// Throws ``Collab/CollabError`` with `tensorMismatch` if a tensor is not complete, `inputOutput` if the system
    /// cannot do it; the target is then as it was.
    public func finish() throws(CollabError) {
        let counts = written.withLock { $0 }
        let incomplete = slots.filter { counts[$0.key] != $0.value.elementCount }.map(\.key.string).sorted()
        if let first = incomplete.first {
            throw CollabError(
                .tensorMismatch,
                "\(path) cannot be finished: “\(first)” is not complete"
                    + (incomplete.count > 1 ? " and neither are \(incomplete.count - 1) others." : ".")
            )
        }
        try output.finish()
    }

    private func writeRounded(
        _ values: UnsafeBufferPointer<Float>,
        _ format: TensorFormat,
        at place: Int,
        of tensor: String,
        from first: Int
    ) throws(CollabError) {
        let step = 1 << 16
        var rounded = [UInt8](repeating: 0, count: min(step, values.count) * format.blockBytes)
        var position = 0
        while position < values.count {
            let count = min(step, values.count - position)
            let chunk = UnsafeBufferPointer(rebasing: values[position..<position + count])
            let size = count * format.blockBytes
            try rounded.withUnsafeMutableBufferPointer { (buffer) throws(CollabError) in
                let bytes = UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[..<size]
                )
                do throws(KernelError) {
                    try TensorConversion.quantize(chunk, as: format, into: bytes)
                } catch {
                    throw CollabError(.unsupported, "\(path) cannot hold \(format.rawValue).", cause: error)
                }
                let stored = UnsafeRawBufferPointer(bytes)
                try checkOverflow(of: chunk, to: format, as: stored, in: tensor, from: first + position)
                try output.write(stored, at: place + position * format.blockBytes)
            }
            position += count
        }
    }
}

extension SafetensorsWriter {
    /// Saves a checkpoint as one file.
    ///
    /// - Parameters:
    ///   - checkpoint: the weights; computed ones are computed as they are written, a piece at a time.
    ///   - path: where the file will be.
    ///   - format: what the weights are stored in; `nil` keeps each tensor's own and stores quantised ones as F32.
    ///   - metadata: texts for `__metadata__`; other readers expect `format`.
    ///
    /// Throws what reading and writing throw, and ``Collab/CollabError/Code/cancelled``.
    public static func save(
        _ checkpoint: any Checkpoint,
        to path: String,
        as format: TensorFormat? = nil,
        metadata: [String: String] = ["format": "pt"]
    ) throws(CollabError) {
        let tensors = checkpoint.tensors.map { tensor in
            let kept = SafetensorsType(tensor.format) == nil ? TensorFormat.f32 : tensor.format
            return TensorDescription(name: tensor.name, shape: tensor.shape, format: format ?? kept)
        }
        let writer = try SafetensorsWriter(path: path, tensors: tensors, metadata: metadata)
        let step = 1 << 20
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: step)
        defer { buffer.deallocate() }
        for tensor in tensors {
            var position = 0
            while position < tensor.elementCount {
                try checkCancellation()
                let count = min(step, tensor.elementCount - position)
                let piece = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
                try checkpoint.read(tensor.name, elements: position..<position + count, into: piece)
                try writer.append(UnsafeBufferPointer(piece), to: tensor.name)
                position += count
            }
        }
        try writer.finish()
    }
}
