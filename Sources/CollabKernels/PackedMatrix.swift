internal import CKernels
internal import Synchronization

/// A weight matrix in the layout that the kernels read at every batch size.
///
/// 16 rows ("a group") lie side by side, so that one instruction serves 16 rows and no sum runs across a vector.
/// Weights keep their stored integers and scales: nothing is rounded again. Memory equals the stored tensor's bytes
/// with rows rounded up to 16 and columns to 64, except Q4_K (+2.8 %), Q5_K (+2.3 %) and Q6_K (+1 %).
///
/// `@unchecked Sendable`: immutable after `init`; the bytes live in `memory`, which the matrix retains.
public final class PackedMatrix: @unchecked Sendable {
    /// How many outputs a product has.
    public let rows: Int
    /// How many inputs a product has.
    public let columns: Int
    /// How the weights are stored.
    public let format: TensorFormat
    /// Bytes of the packed weights.
    public let byteCount: Int
    /// Whether high and low bits lie apart, so that ``upperBounds(_:groups:into:level:)`` can be asked for.
    public let hasPlanes: Bool
    /// Whether no weight is NaN or infinite, as far as the stored elements and scales tell.
    public let isFinite: Bool

    private let memory: MatrixMemory
    private let base: UnsafeMutableRawPointer
    private let packing: collab_format

    /// How many rows a group has.
    public static let groupRows = Int(COLLAB_GROUP_ROWS)

    /// Packs a row-major matrix.
    ///
    /// - Parameters:
    ///   - format: How `bytes` are stored.
    ///   - rows: Number of rows, at least 1.
    ///   - columns: Number of columns, whole blocks of the format.
    ///   - bytes: The stored rows, one after the other; not needed afterwards.
    ///   - inPlanes: Whether the high five bits of each weight are to lie apart from the low three. Only Q8_0 of up to
    ///     16,384 columns can be stored so; others are stored as ever. Products are equal bit for bit.
    ///   - memory: Where to put the packed weights; the matrices of a model share one.
    ///   - pool: Threads to pack with; without it the caller packs alone.
    ///   - finished: Called, possibly on several threads at once, with parts of `bytes` that are not needed any more.
    /// - Throws: ``KernelError`` if the shape does not fit the format or the bytes, or if memory is short.
    public init(
        format: TensorFormat,
        rows: Int,
        columns: Int,
        bytes: UnsafeRawBufferPointer,
        inPlanes: Bool = false,
        memory: MatrixMemory = MatrixMemory(regionBytes: 2 << 20),
        pool: WorkerPool? = nil,
        finished: (@Sendable (Range<Int>) -> Void)? = nil
    ) throws(KernelError) {
        guard rows > 0, columns > 0, columns % format.blockElements == 0, rows <= 1 << 40, columns <= 1 << 30
        else {
            throw KernelError(
                "A matrix of \(rows) × \(columns) cannot be stored as \(format.rawValue): columns must be whole "
                    + "blocks of \(format.blockElements)."
            )
        }
        let (needed, overflow) = (columns / format.blockElements * format.blockBytes)
            .multipliedReportingOverflow(by: rows)
        guard !overflow, bytes.count >= needed, let source = bytes.baseAddress else {
            throw KernelError(
                "A matrix of \(rows) × \(columns) in \(format.rawValue) needs more than the \(bytes.count) bytes given."
            )
        }
        self.format = format
        self.rows = rows
        self.columns = columns
        let groups = (rows + Self.groupRows - 1) / Self.groupRows
        hasPlanes = inPlanes && format == .q8_0 && columns <= Self.mostColumnsInPlanes
        packing = hasPlanes ? COLLAB_Q8_0_PLANES : format.raw
        let (size, tooLarge) = collab_packed_group_bytes(packing, columns)
            .multipliedReportingOverflow(by: groups)
        guard !tooLarge else { throw KernelError("A matrix of \(rows) × \(columns) does not fit in memory.") }
        byteCount = size
        self.memory = memory
        let target = try memory.allocate(size)
        base = target
        let raw = packing
        let groupBytes = Self.groupRows * (needed / rows)
        nonisolated(unsafe) let from = source
        nonisolated(unsafe) let stored = bytes
        nonisolated(unsafe) let to = target
        let flaws = Atomic(0)
        // Looked at and packed while it is in the cache.
        @Sendable func pack(_ part: Range<Int>) {
            let step = max(1, Self.bytesInCache / groupBytes)
            for first in stride(from: part.lowerBound, to: part.upperBound, by: step) {
                let end = min(first + step, part.upperBound)
                let elements = first * Self.groupRows * columns..<min(end * Self.groupRows, rows) * columns
                if !TensorConversion.isFinite(format, bytes: stored, elements: elements) {
                    flaws.add(1, ordering: .relaxed)
                }
                collab_pack(raw, from, rows, columns, first, end, to)
            }
            finished?(min(part.lowerBound * groupBytes, needed)..<min(part.upperBound * groupBytes, needed))
        }
        if let pool {
            // Workers take parts in turn, since one of them may have to share its core.
            let workers = pool.workers
            let step = max(1, min((groups + workers - 1) / workers, Self.bytesAtOnce / groupBytes))
            let next = Atomic(0)
            pool.run { _ in
                while true {
                    let first = next.add(step, ordering: .relaxed).oldValue
                    guard first < groups else { break }
                    pack(first..<min(first + step, groups))
                }
            }
        } else {
            pack(0..<groups)
        }
        isFinite = flaws.load(ordering: .relaxed) == 0
    }

    /// How many stored bytes a worker packs before it takes more.
    private static let bytesAtOnce = 4 << 20
    /// How many stored bytes are looked at and then packed.
    private static let bytesInCache = 128 << 10
    private static let mostColumnsInPlanes = 16_384

    /// How many groups of 16 rows there are; the last may be partly empty.
    public var groupCount: Int { (rows + Self.groupRows - 1) / Self.groupRows }

    /// What ``multiply(_:into:stride:groups:level:)`` asks of the activations: float formats need floats, the others
    /// take either.
    public var needsFloatActivations: Bool { format.blockElements == 1 }

    /// y = W · x for the rows of some groups and every row of the activations.
    ///
    /// Each output is summed in the same order whatever the number of activation rows and the range of groups, so
    /// results are equal bit for bit. Several threads may multiply different groups at once.
    ///
    /// - Parameters:
    ///   - activations: Rows with as many columns as the matrix. Integers are used when they are there and the
    ///     matrix is quantised, else floats.
    ///   - output: Row t's results go to `output[t * stride + row]`.
    ///   - stride: Distance between the output rows, at least ``rows``.
    ///   - groups: Which groups of 16 rows; all of them if nil.
    public func multiply(
        _ activations: ActivationBatch,
        into output: UnsafeMutablePointer<Float>,
        stride: Int,
        groups: Range<Int>? = nil,
        level: KernelLevel = .best
    ) {
        let groups = groups ?? 0..<groupCount
        precondition(
            activations.columns == columns,
            "activations have another number of columns than the matrix"
        )
        precondition(groups.lowerBound >= 0 && groups.upperBound <= groupCount, "groups out of range")
        precondition(activations.count <= 1 || stride >= rows, "output rows overlap")
        guard activations.count > 0, !groups.isEmpty else { return }
        let precision: Precision = !needsFloatActivations && activations.holdsIntegers ? .integer : .float
        collab_matrix_multiply(
            level.raw,
            precision.raw,
            packing,
            base,
            rows,
            columns,
            groups.lowerBound,
            groups.upperBound,
            activations.prepared(precision),
            activations.count,
            output,
            stride
        )
    }

    /// The product of some groups alone, packed closely: row t's results are at `output[t * width]` and following,
    /// where `width` is the number of rows in the groups.
    public func multiply(
        _ activations: ActivationBatch,
        slice groups: Range<Int>,
        into output: UnsafeMutablePointer<Float>,
        level: KernelLevel = .best
    ) {
        precondition(
            activations.columns == columns,
            "activations have another number of columns than the matrix"
        )
        precondition(groups.lowerBound >= 0 && groups.upperBound <= groupCount, "groups out of range")
        guard activations.count > 0, !groups.isEmpty else { return }
        let precision: Precision = !needsFloatActivations && activations.holdsIntegers ? .integer : .float
        let first = groups.lowerBound * Self.groupRows
        collab_matrix_multiply(
            level.raw,
            precision.raw,
            packing,
            base,
            rows,
            columns,
            groups.lowerBound,
            groups.upperBound,
            activations.prepared(precision),
            activations.count,
            output - first,
            min(groups.upperBound * Self.groupRows, rows) - first
        )
    }

    /// Expands one row into `columns` floats, exactly as stored. For looking up embeddings.
    public func copyRow(_ row: Int, into target: UnsafeMutablePointer<Float>) {
        precondition(row >= 0 && row < rows, "row out of range")
        collab_unpack_row(packing, base, rows, columns, row, target)
    }

    /// Upper bounds of y = W · x for the rows of some groups, read from the high plane alone (⅔ of the bytes).
    ///
    /// No output of ``multiply(_:into:stride:groups:level:)`` at any level is larger than its bound, which exceeds it
    /// by at most twice Σ over the blocks of 32 columns of ‖low bits of the weights‖ · ‖activations‖, by Cauchy and
    /// Schwarz. If an activation or a row's scale is not finite, neither is its bound.
    ///
    /// - Parameters:
    ///   - activations: One row of integers.
    ///   - groups: Which groups of 16 rows.
    ///   - output: Row r's bound goes to `output[r]`.
    public func upperBounds(
        _ activations: ActivationBatch,
        groups: Range<Int>,
        into output: UnsafeMutablePointer<Float>,
        level: KernelLevel = .best
    ) {
        precondition(hasPlanes, "bounds need a matrix in planes")
        precondition(activations.columns == columns && activations.count == 1, "bounds need one fitting row")
        precondition(groups.lowerBound >= 0 && groups.upperBound <= groupCount, "groups out of range")
        collab_matrix_bound(
            level.raw,
            base,
            rows,
            columns,
            groups.lowerBound,
            groups.upperBound,
            activations.prepared(.integer),
            output
        )
    }
}
