internal import CKernels

/// Conversions between stored tensor formats and single precision.
///
/// Expanding is exact: the float that the format's definition gives. Rounding takes the nearest representable value,
/// ties to even.
public enum TensorConversion {
    /// Expands whole blocks of a stored tensor.
    ///
    /// - Parameters:
    ///   - format: How `bytes` are stored.
    ///   - bytes: Blocks, at least as many as the elements need; no alignment is asked for.
    ///   - elements: Which elements to expand; both ends are multiples of the format's block.
    ///   - target: Room for `elements.count` floats.
    /// - Throws: ``KernelError`` if the range is not aligned to blocks or the bytes end before it.
    public static func dequantize(
        _ format: TensorFormat,
        bytes: UnsafeRawBufferPointer,
        elements: Range<Int>,
        into target: UnsafeMutablePointer<Float>,
        level: KernelLevel = .best
    ) throws(KernelError) {
        let block = format.blockElements
        guard elements.lowerBound >= 0, elements.lowerBound % block == 0, elements.upperBound % block == 0
        else {
            throw KernelError(
                "Elements \(elements) do not start and end at blocks of \(block) (\(format.rawValue))."
            )
        }
        guard elements.upperBound / block <= bytes.count / format.blockBytes else {
            throw KernelError(
                "Elements \(elements) of \(format.rawValue) end beyond the \(bytes.count) bytes of the tensor."
            )
        }
        guard !elements.isEmpty, let base = bytes.baseAddress else { return }
        collab_dequantize(
            level.raw,
            format.raw,
            base + elements.lowerBound / block * format.blockBytes,
            elements.count / block,
            target
        )
    }

    /// Whether no element of a range of whole blocks is NaN or infinite; of quantised ones only scales are looked at.
    ///
    /// The range must lie within the bytes, as ``dequantize(_:bytes:elements:into:level:)`` asks for.
    public static func isFinite(
        _ format: TensorFormat,
        bytes: UnsafeRawBufferPointer,
        elements: Range<Int>
    ) -> Bool {
        let block = format.blockElements
        guard let base = bytes.baseAddress, elements.lowerBound >= 0,
            elements.upperBound / block <= bytes.count / format.blockBytes
        else { return elements.isEmpty }
        return collab_is_finite(
            format.raw,
            base + elements.lowerBound / block * format.blockBytes,
            elements.count / block
        )
    }

    /// Expands a whole stored tensor of `count` elements.
    public static func dequantize(
        _ format: TensorFormat,
        bytes: UnsafeRawBufferPointer,
        count: Int,
        level: KernelLevel = .best
    ) throws(KernelError) -> [Float] {
        guard count >= 0, count / format.blockElements <= bytes.count / format.blockBytes else {
            throw KernelError("\(count) elements of \(format.rawValue) need more than \(bytes.count) bytes.")
        }
        var failure: KernelError?
        let values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            guard let base = buffer.baseAddress else { return }
            do throws(KernelError) {
                try dequantize(format, bytes: bytes, elements: 0..<count, into: base, level: level)
                initialized = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return values
    }

    /// Rounds floats into a stored format.
    ///
    /// Q8_0: scale = max|x| / 127. Q4_0 and Q5_0: the extreme of larger magnitude becomes −8 (−16). Q4_1 and Q5_1: the
    /// least becomes 0 and the largest 15 (31). These come out byte for byte as llama.cpp's tools write them. Q4_K, Q5_K
    /// and Q6_K: the scales (and minima) of each part are the best of several by weighted least squares, an error at x
    /// counting √(mean x²) + |x|, in Q6_K x². Scales are stored in half precision.
    ///
    /// - Throws: ``KernelError`` if the count is not whole blocks.
    public static func quantize(
        _ values: UnsafeBufferPointer<Float>,
        as format: TensorFormat,
        into target: UnsafeMutableRawBufferPointer,
        level: KernelLevel = .best
    ) throws(KernelError) {
        let blocks = values.count / format.blockElements
        guard values.count % format.blockElements == 0, target.count >= blocks * format.blockBytes else {
            throw KernelError(
                "\(values.count) values do not fill whole blocks of \(format.blockElements), or their "
                    + "\(blocks * format.blockBytes) bytes do not fit in \(target.count)."
            )
        }
        guard let source = values.baseAddress, let base = target.baseAddress else { return }
        _ = collab_quantize(level.raw, format.raw, source, blocks, base)
    }

    /// Rounds floats into newly allocated bytes of a stored format.
    public static func quantize(
        _ values: [Float],
        as format: TensorFormat,
        level: KernelLevel = .best
    ) throws(KernelError) -> [UInt8] {
        let size = values.count / format.blockElements * format.blockBytes
        var bytes = [UInt8](repeating: 0, count: size)
        let result = values.withUnsafeBufferPointer { source in
            bytes.withUnsafeMutableBytes { target in
                Result { () throws(KernelError) in
                    try quantize(source, as: format, into: target, level: level)
                }
            }
        }
        try result.get()
        return bytes
    }
}

extension TensorFormat {
    var raw: collab_format {
        switch self {
        case .f32: COLLAB_F32
        case .f16: COLLAB_F16
        case .bf16: COLLAB_BF16
        case .q8_0: COLLAB_Q8_0
        case .q4_0: COLLAB_Q4_0
        case .q4_1: COLLAB_Q4_1
        case .q5_0: COLLAB_Q5_0
        case .q5_1: COLLAB_Q5_1
        case .q4_K: COLLAB_Q4_K
        case .q5_K: COLLAB_Q5_K
        case .q6_K: COLLAB_Q6_K
        }
    }
}
