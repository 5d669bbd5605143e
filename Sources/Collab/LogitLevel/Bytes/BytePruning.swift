/// Which segmentations of a text into tokens are followed when a model is read byte by byte.
///
/// There are exponentially many, and nearly all have next to no probability. Dropping those below a threshold changes
/// the next-byte distribution by about the threshold (in total variation), and each that is followed may cost a
/// forward pass.
public struct BytePruning: Hashable, Sendable, Codable {
    /// A segmentation is dropped if its share of the probability is below this.
    public var threshold: Double
    /// The most segmentations that are followed at once; the most probable ones are kept.
    public var maximumHypotheses: Int

    /// Makes a rule.
    ///
    /// - Parameters:
    ///   - threshold: the least share of the probability, from 0 up to, not including, 1.
    ///   - maximumHypotheses: how many segmentations are followed at most; at least 1.
    public init(threshold: Double = 1e-3, maximumHypotheses: Int = 8) {
        self.threshold = threshold
        self.maximumHypotheses = maximumHypotheses
    }

    /// A threshold of 1/1000 and at most 8 segmentations: less than one forward pass a byte on most text.
    public static let standard = BytePruning()

    /// Every segmentation, as far as memory lasts: for tests and short strings.
    public static let none = BytePruning(threshold: 0, maximumHypotheses: .max)

    /// Throws ``CollabError/Code/invalidRequest`` if a value is out of range.
    func validate() throws(CollabError) {
        guard threshold >= 0, threshold < 1 else {
            throw CollabError(
                .invalidRequest,
                "The pruning threshold is \(threshold); it must be at least 0 and below 1."
            )
        }
        guard maximumHypotheses >= 1 else {
            throw CollabError(
                .invalidRequest,
                "maximumHypotheses is \(maximumHypotheses); it must be at least 1."
            )
        }
    }
}
