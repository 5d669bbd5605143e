internal import CKernels

/// Searches over one vector of logits. A NaN loses every comparison: it is never a maximum and never among the top.
public enum Distribution {
    /// One entry of a ranking.
    public struct Entry: Hashable, Sendable {
        /// Where in the vector.
        public var index: Int
        /// The element there.
        public var value: Float

        /// Makes an entry.
        public init(index: Int, value: Float) {
            self.index = index
            self.value = value
        }
    }

    /// The largest element; −∞ if there is none.
    public static func max(_ x: UnsafeBufferPointer<Float>, level: KernelLevel = .best) -> Float {
        guard let base = x.baseAddress else { return -.infinity }
        return collab_max(level.raw, base, x.count)
    }

    /// Where the largest element is, the lowest index among equals; nil if there is none.
    public static func argmax(_ x: UnsafeBufferPointer<Float>, level: KernelLevel = .best) -> Int? {
        guard let base = x.baseAddress else { return nil }
        let index = collab_argmax(level.raw, base, x.count)
        return index < 0 ? nil : index
    }

    /// The k largest in descending order, the lower index first among equals; fewer if the vector is shorter.
    public static func topK(_ k: Int, of x: UnsafeBufferPointer<Float>, level: KernelLevel = .best) -> [Entry]
    {
        let k = Swift.min(k, x.count)
        guard k > 0, let base = x.baseAddress else { return [] }
        return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: k) { indices in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: k) { values in
                guard let index = indices.baseAddress, let value = values.baseAddress else { return [] }
                let found = collab_top_k(level.raw, base, x.count, k, index, value)
                return (0..<found).map { Entry(index: Int(indices[$0]), value: values[$0]) }
            }
        }
    }

    /// log Σ eˣ in double precision; NaN if any element is NaN; −∞ for no elements.
    public static func logSumExp(_ x: UnsafeBufferPointer<Float>, level: KernelLevel = .best) -> Double {
        guard let base = x.baseAddress else { return -.infinity }
        return collab_log_sum_exp(level.raw, base, x.count)
    }
}
