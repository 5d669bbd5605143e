import Collab
import CollabKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The largest logits of a slice of the vocabulary, and the logarithm of the sum of all its exponentials.
struct TopSlice {
    /// The largest; its index is that in the vocabulary.
    private var first = Distribution.Entry(index: 0, value: -.infinity)
    /// Those after it, if more than one was asked for.
    private var others: [Distribution.Entry] = []
    private var logSumExp = -Double.infinity

    init() {}

    /// Finds the `count` largest logits of a slice that begins with token `first`.
    init(_ count: Int, of logits: UnsafeBufferPointer<Float>, first offset: Int) {
        logSumExp = Distribution.logSumExp(logits)
        if count == 1 {
            guard let index = Distribution.argmax(logits) else { return }
            first = Distribution.Entry(index: index + offset, value: logits[index])
        } else {
            let entries = Distribution.topK(count, of: logits).map {
                Distribution.Entry(index: $0.index + offset, value: $0.value)
            }
            guard let best = entries.first else { return }
            first = best
            others = Array(entries.dropFirst())
        }
    }

    /// The sum alone.
    init(sumOf logits: UnsafeBufferPointer<Float>) {
        logSumExp = Distribution.logSumExp(logits)
    }

    /// Keeps the `count` largest of some logits, in any order; their sum is not known.
    init(_ count: Int, of entries: [Distribution.Entry]) {
        let ranked = entries.sorted { ($1.value, $0.index) < ($0.value, $1.index) }.prefix(count)
        guard let best = ranked.first else { return }
        first = best
        others = Array(ranked.dropFirst())
    }

    /// The largest of all slices of a vocabulary, in the slices' order.
    static func joined(_ count: Int, _ slices: [TopSlice]) -> TopTokens {
        var entries: [Distribution.Entry]
        if count == 1 {
            let best = slices.dropFirst().reduce(slices[0].first) {
                $1.first.value > $0.value ? $1.first : $0
            }
            entries = [best]
        } else {
            entries = slices.flatMap { [$0.first] + $0.others }
            entries.sort { ($1.value, $0.index) < ($0.value, $1.index) }
            entries.removeLast(max(0, entries.count - count))
        }
        return TopTokens(
            entries: entries.map { TopTokens.Entry(token: TokenID($0.index), logit: $0.value) },
            logSumExp: sum(of: slices)
        )
    }

    /// log Σ exp over all slices of a vocabulary, in the slices' order.
    static func sum(of slices: some Collection<TopSlice>) -> Double {
        let peak = slices.reduce(-Double.infinity) { max($0, $1.logSumExp) }
        // A NaN passes no comparison; the sum carries it on.
        return peak + log(slices.reduce(0) { $0 + exp($1.logSumExp - peak) })
    }
}
