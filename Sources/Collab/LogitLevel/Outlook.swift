internal import CollabKernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// What a model's next-token distribution looks like as a whole: what gates go by.
public struct Outlook: Hashable, Sendable, Codable {
    /// The probability of the favourite.
    public var confidence: Double
    /// By how much the favourite is more probable than the second.
    public var margin: Double
    /// The entropy in nats.
    public var entropy: Double
    /// The trace of the Fisher information about the logits: 1 − Σ p².
    public var fisher: Double
    /// How many tokens of the answer have been written before.
    public var written: Int

    /// Makes an outlook.
    public init(confidence: Double, margin: Double, entropy: Double, fisher: Double, written: Int = 0) {
        self.confidence = confidence
        self.margin = margin
        self.entropy = entropy
        self.fisher = fisher
        self.written = written
    }

    /// The outlook of a row of logits, or `nil` where no token is possible or a logit is NaN or +∞.
    public init?(_ logits: Logits, written: Int = 0) {
        let normalizer = logits.values.withUnsafeBufferPointer { Distribution.logSumExp($0) }
        guard normalizer.isFinite else { return nil }
        self.init(logits.values, normalizer: normalizer, written: written)
    }

    init(_ values: [Float], normalizer: Double, written: Int) {
        let top = values.withUnsafeBufferPointer { Distribution.topK(2, of: $0) }
        let first = top.first?.value ?? 0
        func probability(_ value: Float) -> Double { exp(Double(value) - normalizer) }
        let expectation = Distribution.expectations(of: [], under: values, normalizer: normalizer)[0]
        // Σ p² = Σ e^2(x − max) · (p of the maximum)².
        let squares = values.withUnsafeBufferPointer {
            Distribution.exponentialSum($0, maximum: first, scale: 2)
        }
        self.init(
            confidence: probability(first),
            margin: probability(first) - (top.count > 1 ? probability(top[1].value) : 0),
            entropy: max(0, normalizer - expectation),
            fisher: min(max(1 - squares * probability(first) * probability(first), 0), 1),
            written: written
        )
    }
}
