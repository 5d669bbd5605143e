#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A logistic gate over features of the base's next-token distribution: a token is deferred where
/// σ(b + Σ aⱼ fⱼ) is above a threshold.
///
/// It is the gate of S. Shen et al., *Learning to Decode Collaboratively with Multiple Language Models* (Co-LLM), 2024,
/// over features that any model shows rather than over a hidden state, and trained for the same likelihood. Make one
/// with ``fitted(base:expert:examples:features:)``; it is a value that can be encoded and kept.
public struct LearnedGate: Hashable, Sendable, Codable {
    /// Something that is known of a distribution.
    public enum Feature: String, Hashable, Sendable, Codable, CaseIterable {
        /// The probability of the favourite.
        case confidence
        /// By how much the favourite is more probable than the second.
        case margin
        /// The entropy in nats.
        case entropy
        /// 1 − Σ p².
        case fisher
        /// log(1 + t) for the t tokens that have been written.
        case position

        func value(of outlook: Outlook) -> Double {
            switch self {
            case .confidence: outlook.confidence
            case .margin: outlook.margin
            case .entropy: outlook.entropy
            case .fisher: outlook.fisher
            case .position: log1p(Double(outlook.written))
            }
        }
    }

    /// What is looked at.
    public var features: [Feature]
    /// What each feature is multiplied by.
    public var coefficients: [Double]
    /// What is added.
    public var intercept: Double
    /// The probability of a deferral above which a token is deferred.
    public var threshold: Double

    /// Makes a gate.
    public init(features: [Feature], coefficients: [Double], intercept: Double, threshold: Double = 0.5) {
        self.features = features
        self.coefficients = coefficients
        self.intercept = intercept
        self.threshold = threshold
    }

    /// The probability that a token should be deferred.
    public func probability(_ outlook: Outlook) -> Double {
        let sum = zip(features, coefficients).reduce(intercept) { $0 + $1.1 * $1.0.value(of: outlook) }
        return sigmoid(sum)
    }

    /// Whether a token is deferred.
    public func isOpen(_ outlook: Outlook) -> Bool { probability(outlook) > threshold }

    /// What is wrong with it, if anything.
    var fault: String? {
        if features.count != coefficients.count {
            return "has \(coefficients.count) coefficients for \(features.count) features"
        }
        return (coefficients + [intercept, threshold]).allSatisfy(\.isFinite)
            ? nil : "has a coefficient that is no finite number"
    }
}
