/// A score that was given to an answer, or to a request, before the truth was known, and the truth.
///
/// All calibration learns from these: a confidence and whether the answer was right, or a router's score and whether the
/// cheap model did well enough.
public struct ScoredOutcome: Hashable, Sendable, Codable {
    /// The score; any finite number. Calibration by temperature needs one between 0 and 1.
    public var score: Double
    /// How good it turned out, between 0 (wrong) and 1 (right).
    public var quality: Double

    /// Makes an outcome.
    public init(score: Double, quality: Double) {
        self.score = score
        self.quality = quality
    }

    /// Makes an outcome that was right or wrong.
    public init(score: Double, wasRight: Bool) {
        self.init(score: score, quality: wasRight ? 1 : 0)
    }
}

extension [ScoredOutcome] {
    /// Throws ``CollabError/Code/invalidRequest`` unless there are outcomes, all finite, with qualities from 0 to 1.
    func validate(for purpose: String) throws(CollabError) {
        if isEmpty {
            throw CollabError(.invalidRequest, "There are no outcomes for \(purpose); give it some.")
        }
        if let index = firstIndex(where: { !$0.score.isFinite || !(0...1).contains($0.quality) }) {
            let bad = self[index]
            throw CollabError(
                .invalidRequest,
                """
                Outcome \(index) for \(purpose) has the score \(bad.score) and the quality \(bad.quality); scores must \
                be finite and qualities lie between 0 and 1.
                """
            )
        }
    }
}
