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

    /// Refuses weights that are larger than the limit, or than the machine, before any of them is loaded.
    func checkSizes(memoryLimit: Int?) throws(CollabError) {
        let (stored, packed) = byteCounts
        let needed = "The weights of \(checkpoint.name) take \(packed) bytes, "
        if let memoryLimit, packed > memoryLimit {
            throw CollabError(.memoryLimit, needed + "more than the memory limit of \(memoryLimit).")
        }
        guard packed < Machine.physicalMemory else {
            throw CollabError(.memoryLimit, needed + "but the machine has \(Machine.physicalMemory).")
        }
        // Matrices of a few columns would grow to many times what is in the file.
        guard packed - stored <= stored / 4 + 32 << 20 else {
            throw CollabError(.unsupported, needed + "though only \(stored) of them are not padding.")
        }
    }

    /// About the bytes that all matrices together will take, without the padding and with it.
    private var byteCounts: (stored: Int, packed: Int) {
        var (stored, packed) = (0, 0)
        for tensor in descriptions.values where tensor.shape.count == 2 {
            let format = keptFormat(of: tensor)
            func bytes(_ elements: Int) -> Int { elements / format.blockElements * format.blockBytes }
            stored += bytes(tensor.elementCount)
            // The packed form rounds up to 16 rows and 64 columns.
            packed += bytes((tensor.shape[0] + 15) / 16 * 16 * ((tensor.shape[1] + 63) / 64 * 64))
        }
        return (stored, packed)
    }

    /// The bytes that matrices have taken so far.
    var bytesUsed: Int { memory.bytesUsed }

    private func keptFormat(of tensor: TensorDescription) -> TensorFormat {
        if let stored = checkpoint.storage(of: tensor.name)?.format, format.keeps(stored) { return stored }
        return format.format(for: tensor.format, columns: tensor.shape.last ?? 1)
    }

    private func description(_ name: String) throws(CollabError) -> TensorDescription {
        guard let description = descriptions[name] else {
            throw CollabError(.malformedFile, "\(checkpoint.name) lacks the tensor “\(name)”.")
        }
        return description
    }

    /// A vector as float32; one that is not finite would spoil every answer, so it is refused.
    func vector(_ place: TensorPlace) throws(CollabError) -> [Float] {
        let values = try checkpoint.values(of: place.name)
        guard let index = values.firstIndex(where: { !$0.isFinite }) else {
            return place.offset == 0 ? values : values.map { $0 + place.offset }
        }
        throw CollabError(
            .notFinite,
            "Element \(index) of the tensor “\(place.name)” of \(checkpoint.name) is not finite."
        )
    }

    /// A matrix in the kernels' layout.
    func matrix(_ place: TensorPlace, inPlanes: Bool = false) throws(CollabError) -> PackedMatrix {
        var part = try description(place.name)
        part.shape[0] = place.rows.count
        if let storage = checkpoint.storage(of: place.name), format.keeps(storage.format) {
            let rowBytes = part.shape[1] / storage.format.blockElements * storage.format.blockBytes
            let packed = try storage.withBytes { (bytes) throws(CollabError) in
                let first = place.rows.lowerBound * rowBytes
                // What has been packed need not take memory twice.
                return try pack(
                    part,
                    as: storage.format,
                    UnsafeRawBufferPointer(rebasing: bytes.dropFirst(first)),
                    inPlanes: inPlanes
                ) { storage.discard(first + $0.lowerBound..<first + $0.upperBound) }
            }
            try storage.checkUnchanged()
            return packed
        }
        let format = keptFormat(of: part)
        let bytes = try compute(part, from: place.rows.lowerBound, as: format)
        defer { bytes.deallocate() }
        return try pack(part, as: format, UnsafeRawBufferPointer(bytes), inPlanes: inPlanes)
    }

    private func notFinite(_ tensor: String) -> CollabError {
        CollabError(
            .notFinite,
            "The tensor “\(tensor)” of \(checkpoint.name) has elements that are not finite."
        )
    }

    private func pack(
        _ tensor: TensorDescription,
        as format: TensorFormat,
        _ bytes: UnsafeRawBufferPointer,
        inPlanes: Bool,
        finished: (@Sendable (Range<Int>) -> Void)? = nil
    ) throws(CollabError) -> PackedMatrix {
        let matrix: PackedMatrix
        do throws(KernelError) {
            matrix = try PackedMatrix(
                format: format,
                rows: tensor.shape[0],
                columns: tensor.shape[1],
                bytes: bytes,
                inPlanes: inPlanes,
                memory: memory,
                pool: pool,
                finished: finished
            )
        } catch {
            throw CollabError(.unsupported, "The tensor “\(tensor.name)” of \(checkpoint.name): \(error)")
        }
        guard matrix.isFinite else { throw notFinite(tensor.name) }
        return matrix
    }

    /// Reads rows of a tensor slice by slice and rounds them into the format in which they are kept.
    private func compute(
        _ tensor: TensorDescription,
        from first: Int,
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
                try fill(target, rows: share, of: tensor, from: first, as: format, rowBytes: rowBytes)
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
        from first: Int,
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
            let elements = (first + row) * columns..<(first + end) * columns
            try checkpoint.read(tensor.name, elements: elements, into: slice)
            guard VectorKernels.isFinite(slice) else {
                throw notFinite(tensor.name)
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
