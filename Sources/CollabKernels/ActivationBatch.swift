internal import CKernels

/// The inputs of matrix products, prepared once for all matrices that read them.
///
/// A batch holds up to `capacity` rows of `columns` floats, as 8-bit integers (one scale for each 32 columns), as
/// floats, or both. Preparing may be shared between threads: set ``count`` first (one thread, then a barrier), then
/// every thread prepares its own rows, then a barrier before multiplying.
///
/// `@unchecked Sendable`: scratch memory; callers keep writers and readers apart as said above.
public final class ActivationBatch: @unchecked Sendable {
    /// How many columns each row has.
    public let columns: Int
    /// How many rows fit.
    public let capacity: Int
    /// Whether products with quantised matrices can use integers.
    public let holdsIntegers: Bool
    /// Whether products can use floats.
    public let holdsFloats: Bool
    /// How many rows the batch has now. Setting it makes all rows invalid until they are prepared again.
    public var count: Int {
        didSet { precondition(count >= 0 && count <= capacity, "more rows than the batch's capacity") }
    }

    private let integers: UnsafeMutableRawPointer?
    private let floats: UnsafeMutableRawPointer?

    /// Makes an empty batch.
    ///
    /// - Parameters:
    ///   - columns: Columns of each row, at least 1.
    ///   - capacity: The most rows.
    ///   - precisions: Which representations to prepare; at least one. Matrices in float formats need ``Precision/float``.
    public init(columns: Int, capacity: Int, precisions: Set<Precision> = [.integer]) {
        precondition(columns > 0 && capacity >= 0 && !precisions.isEmpty)
        self.columns = columns
        self.capacity = capacity
        holdsIntegers = precisions.contains(.integer)
        holdsFloats = precisions.contains(.float)
        count = 0
        func allocate(_ precision: Precision) -> UnsafeMutableRawPointer? {
            guard precisions.contains(precision) else { return nil }
            let size = collab_activation_bytes(precision.raw, columns, max(capacity, 1))
            return .allocate(byteCount: size, alignment: 64)
        }
        integers = allocate(.integer)
        floats = allocate(.float)
    }

    deinit {
        integers?.deallocate()
        floats?.deallocate()
    }

    /// Prepares some rows as they are.
    ///
    /// - Parameters:
    ///   - rows: Which rows of the batch, within ``count``.
    ///   - source: The first of those rows.
    ///   - stride: Distance between rows, at least ``columns``.
    public func prepare(
        rows: Range<Int>,
        from source: UnsafePointer<Float>,
        stride: Int,
        level: KernelLevel = .best
    ) {
        prepare(rows: rows, from: source, stride: stride, scales: nil, weight: nil, level: level)
    }

    /// Prepares x / √(mean(x²) + ε) · weight for some rows, without writing the normalised floats anywhere else.
    public func prepareNormalized(
        rows: Range<Int>,
        from source: UnsafePointer<Float>,
        stride: Int,
        weight: UnsafePointer<Float>,
        epsilon: Float,
        level: KernelLevel = .best
    ) {
        for row in rows {
            let x = source + (row - rows.lowerBound) * stride
            var scale = collab_rms_scale(level.raw, x, columns, epsilon)
            prepare(
                rows: row..<row + 1,
                from: x,
                stride: stride,
                scales: &scale,
                weight: weight,
                level: level
            )
        }
    }

    private func prepare(
        rows: Range<Int>,
        from source: UnsafePointer<Float>,
        stride: Int,
        scales: UnsafePointer<Float>?,
        weight: UnsafePointer<Float>?,
        level: KernelLevel
    ) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= count, "rows out of range")
        for precision in Precision.allCases {
            guard let target = precision == .integer ? integers : floats else { continue }
            collab_activations_prepare(
                level.raw,
                precision.raw,
                source,
                stride,
                scales,
                weight,
                columns,
                count,
                rows.lowerBound,
                rows.upperBound,
                target
            )
        }
    }

    func prepared(_ precision: Precision) -> UnsafeMutableRawPointer {
        guard let memory = precision == .integer ? integers : floats else {
            preconditionFailure("the batch was made without \(precision.rawValue) activations")
        }
        return memory
    }
}
