internal import CKernels

extension Distribution {
    /// Σ weightᵢ · memberᵢ, element by element; −∞ wherever any member is −∞.
    ///
    /// All rows have the same length.
    package static func fuseLogLinear(_ members: [[Float]], weights: [Float], level: KernelLevel = .best)
        -> [Float]
    {
        fuse(members) { pointers, count, out in
            collab_fuse_log_linear(level.raw, pointers, weights, members.count, count, out)
        }
    }

    /// log Σ exp(memberᵢ + shiftᵢ), element by element.
    ///
    /// All rows have the same length.
    package static func fuseLinear(_ members: [[Float]], shifts: [Float], level: KernelLevel = .best)
        -> [Float]
    {
        fuse(members) { pointers, count, out in
            collab_fuse_linear(level.raw, pointers, shifts, members.count, count, out)
        }
    }

    /// The elements that reach a threshold; the others become −∞.
    package static func atLeast(
        _ threshold: Float,
        of values: UnsafeBufferPointer<Float>,
        level: KernelLevel = .best
    ) -> [Float] {
        [Float](unsafeUninitializedCapacity: values.count) { out, initialized in
            if let source = values.baseAddress, let target = out.baseAddress {
                collab_at_least(level.raw, source, values.count, threshold, target)
            }
            initialized = values.count
        }
    }

    /// The expectations of each row, and last of the fused row itself, under the fused distribution.
    package static func expectations(
        of members: [[Float]],
        under fused: [Float],
        normalizer: Double,
        level: KernelLevel = .best
    ) -> [Double] {
        var expectations = [Double](repeating: 0, count: members.count + 1)
        withPointers(to: members) { pointers in
            fused.withUnsafeBufferPointer { fused in
                guard let base = fused.baseAddress else { return }
                collab_fuse_expectations(
                    level.raw,
                    base,
                    Float(normalizer),
                    pointers,
                    members.count,
                    fused.count,
                    &expectations
                )
            }
        }
        return expectations
    }

    private static func fuse(
        _ members: [[Float]],
        _ kernel: (UnsafePointer<UnsafePointer<Float>?>, Int, UnsafeMutablePointer<Float>) -> Void
    ) -> [Float] {
        let count = members.map(\.count).min() ?? 0
        return withPointers(to: members) { pointers in
            [Float](unsafeUninitializedCapacity: count) { out, initialized in
                if let base = out.baseAddress, count > 0 { kernel(pointers, count, base) }
                initialized = count
            }
        }
    }

    /// Lends pointers to several arrays at once.
    private static func withPointers<Result>(
        to rows: [[Float]],
        _ body: (UnsafePointer<UnsafePointer<Float>?>) -> Result
    ) -> Result {
        var pointers: [UnsafePointer<Float>?] = []
        func lend(_ index: Int) -> Result {
            if index == rows.count {
                return pointers.withUnsafeBufferPointer { buffer in
                    // An array's buffer has an address unless it is empty; then nothing is read through it.
                    guard let base = buffer.baseAddress else {
                        return withUnsafePointer(to: UnsafePointer<Float>?.none) { body($0) }
                    }
                    return body(base)
                }
            }
            return rows[index].withUnsafeBufferPointer { row in
                pointers.append(row.baseAddress)
                return lend(index + 1)
            }
        }
        return lend(0)
    }
}
