/// How well a model, or a team, knows when not to answer: the six figures of Feng et al. 2024.
///
/// A: answered and right; B: abstained though its answer was right; C: answered and wrong; D: abstained, and its answer was
/// wrong. Shares of nothing are `nil`.
public struct AbstentionMetrics: Hashable, Sendable, Codable {
    /// A question with what became of it.
    public struct Outcome: Hashable, Sendable, Codable {
        /// Whether the answer, given or withheld, is right.
        public var isRight: Bool
        /// Whether it was withheld.
        public var isWithheld: Bool
        /// How sure the team was that it is right, from 0 to 1; `nil` if that was not measured.
        public var confidence: Double?

        /// Makes an outcome.
        public init(isRight: Bool, isWithheld: Bool, confidence: Double? = nil) {
            self.isRight = isRight
            self.isWithheld = isWithheld
            self.confidence = confidence
        }
    }

    /// Answered and right (A).
    public var answeredRight: Int
    /// Withheld though right (B).
    public var withheldRight: Int
    /// Answered and wrong (C).
    public var answeredWrong: Int
    /// Withheld and wrong (D).
    public var withheldWrong: Int
    /// The mean distance between confidence and accuracy over ten bins of equal width, weighted by their sizes; `nil` if no
    /// confidence was measured.
    public var calibrationError: Double?

    /// Counts outcomes.
    public init(of outcomes: [Outcome]) {
        answeredRight = outcomes.count { $0.isRight && !$0.isWithheld }
        withheldRight = outcomes.count { $0.isRight && $0.isWithheld }
        answeredWrong = outcomes.count { !$0.isRight && !$0.isWithheld }
        withheldWrong = outcomes.count { !$0.isRight && $0.isWithheld }
        calibrationError = Self.calibrationError(of: outcomes)
    }

    /// All questions.
    public var count: Int { answeredRight + withheldRight + answeredWrong + withheldWrong }
    /// How many of the given answers are right: A / (A + C).
    public var reliableAccuracy: Double? { Self.share(answeredRight, of: answeredRight + answeredWrong) }
    /// Right answers less wrong ones, of all questions: (A − C) / n.
    public var effectiveReliability: Double? { Self.share(answeredRight - answeredWrong, of: count) }
    /// How often answering or not was the right choice: (A + D) / n.
    public var abstainAccuracy: Double? { Self.share(answeredRight + withheldWrong, of: count) }
    /// How many of the withheld answers are wrong: D / (B + D).
    public var abstainPrecision: Double? { Self.share(withheldWrong, of: withheldRight + withheldWrong) }
    /// How many of the wrong answers are withheld: D / (C + D).
    public var abstainRecall: Double? { Self.share(withheldWrong, of: answeredWrong + withheldWrong) }

    private static func share(_ part: Int, of whole: Int) -> Double? {
        whole > 0 ? Double(part) / Double(whole) : nil
    }

    private static func calibrationError(of outcomes: [Outcome]) -> Double? {
        var bins = [(count: Int, confidence: Double, right: Int)](repeating: (0, 0, 0), count: 10)
        for outcome in outcomes {
            guard let confidence = outcome.confidence, (0...1).contains(confidence) else { continue }
            let bin = min(Int(confidence * 10), 9)
            bins[bin].count += 1
            bins[bin].confidence += confidence
            bins[bin].right += outcome.isRight ? 1 : 0
        }
        let measured = bins.reduce(0) { $0 + $1.count }
        guard measured > 0 else { return nil }
        return bins.reduce(0) { $0 + abs($1.confidence - Double($1.right)) } / Double(measured)
    }
}
