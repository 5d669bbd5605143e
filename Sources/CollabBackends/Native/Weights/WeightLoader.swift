import Collab
import CollabKernels

/// Brings a checkpoint's tensors into memory, several workers sharing the rows of each.
struct WeightLoader {
    private let checkpoint: any Checkpoint
    private let format: WeightFormat
    private let pool: WorkerPool
    private let memory = MatrixMemory()
    private let descriptions: [String: TensorDescription]

    init(_ checkpoint: any Checkpoint, format: WeightFormat, workers: Int) throws(CollabError) {
        self.checkpoint = checkpoint
        self.format = format
        pool = try WorkerPool(teamOf: workers)
        descriptions = Dictionary(checkpoint.tensors.map { ($0.name, $0) }) { first, _ in first }
    }

    /// About the bytes that all matrices together will take.
    var byteCount: Int {
        descriptions.values.reduce(0) { total, tensor in
            guard tensor.shape.count == 2 else { return total }
            let format = keptFormat(of: tensor)
            // The packed form rounds up to 16 rows and 64 columns.
            let elements = (tensor.shape[0] + 15) / 16 * 16 * ((tensor.shape[1] + 63) / 64 * 64)
            return total + elements / format.blockElements * format.blockBytes
        }
    }

    /// The bytes that matrices have taken so far.
    var bytesUsed: Int { memory.bytesUsed }

    private func keptFormat(of tensor: TensorDescription) -> TensorFormat {
        checkpoint.storage(of: tensor.name)?.format
            ?? format.format(for: tensor.format, columns: tensor.shape.last ?? 1)
    }

    private func description(_ name: String) throws(CollabError) -> TensorDescription {
        guard let description = descriptions[name] else {
            throw CollabError(.malformedFile, "\(checkpoint.name) lacks the tensor “\(name)”.")
        }
        return description
    }

    /// A vector as float32; one that is not finite would spoil every answer, so it is refused.
    func vector(_ name: String) throws(CollabError) -> [Float] {
        let values = try checkpoint.values(of: name)
        guard let index = values.firstIndex(where: { !$0.isFinite }) else { return values }
        throw CollabError(
            .notFinite,
            "Element \(index) of the tensor “\(name)” of \(checkpoint.name) is not finite."
        )
    }

    /// A matrix in the kernels' layout.
    func matrix(_ name: String) throws(CollabError) -> PackedMatrix {
        let description = try description(name)
        if let storage = checkpoint.storage(of: name) {
            return try storage.withBytes { (bytes) throws(CollabError) in
                try pack(description, as: storage.format, bytes)
            }
        }
        let format = keptFormat(of: description)
        let bytes = try compute(description, as: format)
        defer { bytes.deallocate() }
        return try pack(description, as: format, UnsafeRawBufferPointer(bytes))
    }

    private func pack(
        _ tensor: TensorDescription,
        as format: TensorFormat,
        _ bytes: UnsafeRawBufferPointer
    ) throws(CollabError) -> PackedMatrix {
        do throws(KernelError) {
            return try PackedMatrix(
                format: format,
                rows: tensor.shape[0],
                columns: tensor.shape[1],
                bytes: bytes,
                memory: memory,
                pool: pool
            )
        } catch {
            throw CollabError(.unsupported, "The tensor “\(tensor.name)” of \(checkpoint.name): \(error)")
        }
    }

    /// Computes a tensor slice by slice and rounds it into the format in which it is kept.
    private func compute(
        _ tensor: TensorDescription,
        as format: TensorFormat
    ) throws(CollabError) -> UnsafeMutableRawBufferPointer {
        let (rows, columns) = (tensor.shape[0], tensor.shape[1])
        let rowBytes = columns / format.blockElements * format.blockBytes
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: rows * rowBytes, alignment: 64)
        let failures = Protected<[CollabError]>([])
        // Every worker writes the bytes of its own rows.
        nonisolated(unsafe) let target = bytes
        pool.run { worker in
            let share = pool.share(of: rows, worker: worker)
            do throws(CollabError) {
                try fill(target, rows: share, of: tensor, as: format, rowBytes: rowBytes)
            } catch {
                failures.withLock { $0.append(error) }
            }
        }
        guard let failure = failures.withLock({ $0.first }) else { return bytes }
        bytes.deallocate()
        throw failure
    }

    private func fill(
        _ target: UnsafeMutableRawBufferPointer,
        rows: Range<Int>,
        of tensor: TensorDescription,
        as format: TensorFormat,
        rowBytes: Int
    ) throws(CollabError) {
        let columns = tensor.shape[1]
        // About a megabyte of floats at a time.
        let step = max(1, (1 << 18) / max(1, columns))
        let floats = UnsafeMutableBufferPointer<Float>.allocate(
            capacity: min(step, max(rows.count, 1)) * columns
        )
        defer { floats.deallocate() }
        var row = rows.lowerBound
        while row < rows.upperBound {
            let end = min(row + step, rows.upperBound)
            let slice = UnsafeMutableBufferPointer(rebasing: floats[..<((end - row) * columns)])
            try checkpoint.read(tensor.name, elements: row * columns..<end * columns, into: slice)
            guard VectorKernels.isFinite(slice) else {
                let message =
                    "The tensor “\(tensor.name)” of \(checkpoint.name) has elements that are not finite."
                throw CollabError(.notFinite, message)
            }
            do throws(KernelError) {
                try TensorConversion.quantize(
                    UnsafeBufferPointer(slice),
                    as: format,
                    into: UnsafeMutableRawBufferPointer(rebasing: target[row * rowBytes..<end * rowBytes])
                )
            } catch {
                throw CollabError(.unsupported, "The tensor “\(tensor.name)” of \(checkpoint.name): \(error)")
            }
            row = end
        }
    }
}
