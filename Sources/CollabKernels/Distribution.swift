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

    /// log Σ eˣ as ``logSumExp(_:level:)`` and the place of the largest element as ``argmax(_:level:)``, which takes one
    /// look at the vector rather than two.
    public static func summary(
        of x: UnsafeBufferPointer<Float>,
        level: KernelLevel = .best
    ) -> (logSumExp: Double, argmax: Int?) {
        guard let base = x.baseAddress else { return (-.infinity, nil) }
        var place = -1
        let sum = collab_log_sum_exp_argmax(level.raw, base, x.count, &place)
        return (sum, place < 0 ? nil : place)
    }

    /// The places of all elements that are at least as large as a threshold, ascending; one of −∞ keeps what is larger.
    package static func places(
        atLeast threshold: Float,
        in x: UnsafeBufferPointer<Float>,
        level: KernelLevel = .best
    ) -> [Int] {
        guard let base = x.baseAddress else { return [] }
        let room = x.count + Int(COLLAB_COLLECT_MARGIN)
        return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: room) { places in
            guard let first = places.baseAddress else { return [] }
            let above = threshold == -.infinity ? threshold : threshold.nextDown
            let count = collab_collect_above(level.raw, base, x.count, above, first)
            return places[..<count].map { Int($0) }
        }
    }
}
