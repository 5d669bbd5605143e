/// When a cascade accepts a member's answer instead of asking the next member.
///
/// Rules combine: `.confidence(above: 0.8) && .agreement(above: 0.5)`, `||` likewise. They are evaluated from left to
/// right and only as far as needed.
public struct Acceptance: Sendable, CustomStringConvertible {
    /// What a rule says of an answer.
    public struct Verdict: Hashable, Sendable {
        /// Whether the answer is accepted.
        public var isAccepted: Bool
        /// The confidence that was measured first; `nil` if none could be.
        public var confidence: Double?
        /// What the confidence was held against, if it was a threshold.
        public var threshold: Double?
        /// Why, as a phrase.
        public var reason: String

        /// Makes a verdict.
        public init(isAccepted: Bool, confidence: Double?, threshold: Double? = nil, reason: String) {
            self.isAccepted = isAccepted
            self.confidence = confidence
            self.threshold = threshold
            self.reason = reason
        }
    }

    private indirect enum Rule: Sendable {
        case threshold(ConfidenceSignal, above: Double)
        case check(String, @Sendable (ConfidenceSignal.Evidence) async throws -> Bool)
        case all(Acceptance, Acceptance)
        case any(Acceptance, Acceptance)
    }

    private let rule: Rule

    /// Accepts an answer whose confidence was measured and is above a threshold.
    public static func confidence(
        _ signal: ConfidenceSignal = .meanTokenProbability,
        above threshold: Double
    ) -> Acceptance {
        Acceptance(rule: .threshold(signal, above: threshold))
    }

    /// Accepts nothing: the last member's answer is taken in any case.
    public static let never = Acceptance.accepting("never") { _ in false }

    /// Accepts an answer for which a closure of the program's own holds.
    public static func accepting(
        _ description: String,
        if holds: @escaping @Sendable (ConfidenceSignal.Evidence) async throws -> Bool
    ) -> Acceptance {
        Acceptance(rule: .check(description, holds))
    }

    /// Accepts what both rules accept.
    public static func && (left: Acceptance, right: Acceptance) -> Acceptance {
        Acceptance(rule: .all(left, right))
    }

    /// Accepts what at least one of the rules accepts.
    public static func || (left: Acceptance, right: Acceptance) -> Acceptance {
        Acceptance(rule: .any(left, right))
    }

    /// The rule as it reads in a trace.
    public var description: String {
        switch rule {
        case .threshold(let signal, let threshold): "\(signal) above \(threshold)"
        case .check(let description, _): description
        case .all(let left, let right): "(\(left) and \(right))"
        case .any(let left, let right): "(\(left) or \(right))"
        }
    }

    /// How many alternatives at each token the rule's signals need.
    public var alternatives: Int {
        switch rule {
        case .threshold(let signal, _): signal.alternatives
        case .check: 0
        case .all(let left, let right), .any(let left, let right): max(left.alternatives, right.alternatives)
        }
    }

    /// How many calls judging an answer makes.
    public var callRange: ClosedRange<Int> {
        switch rule {
        case .threshold(let signal, _): signal.callRange
        case .check: 0...0
        case .all(let left, let right), .any(let left, let right):
            left.callRange.lowerBound...(left.callRange.upperBound + right.callRange.upperBound)
        }
    }

    /// The models that the rule's signals ask beside the one that answered.
    public var models: [any TextModel] {
        switch rule {
        case .threshold(let signal, _): signal.models
        case .check: []
        case .all(let left, let right), .any(let left, let right): left.models + right.models
        }
    }

    /// Judges an answer.
    public func judge(_ evidence: ConfidenceSignal.Evidence) async throws(CollabError) -> Verdict {
        switch rule {
        case .threshold(let signal, let threshold):
            guard let value = try await signal.measure(evidence) else {
                return Verdict(
                    isAccepted: false,
                    confidence: nil,
                    threshold: threshold,
                    reason: "\(signal) could not be measured"
                )
            }
            let isAbove = value > threshold
            return Verdict(
                isAccepted: isAbove,
                confidence: value,
                threshold: threshold,
                reason:
                    "\(signal) \(value.rounded(toPlaces: 3)) is \(isAbove ? "above" : "not above") \(threshold)"
            )
        case .check(let description, let holds):
            let isAccepted: Bool
            do { isAccepted = try await holds(evidence) } catch {
                throw CollabError(wrapping: error, "The acceptance rule “\(description)” failed.")
            }
            return Verdict(
                isAccepted: isAccepted,
                confidence: nil,
                reason: isAccepted ? description : "not: \(description)"
            )
        case .all(let left, let right):
            let first = try await left.judge(evidence)
            guard first.isAccepted else { return first }
            return first.joined(with: try await right.judge(evidence), by: "and")
        case .any(let left, let right):
            let first = try await left.judge(evidence)
            if first.isAccepted { return first }
            return first.joined(with: try await right.judge(evidence), by: "and")
        }
    }
}

extension Acceptance.Verdict {
    /// The later verdict, which decides, with the confidence that was measured first and both reasons.
    fileprivate func joined(with next: Self, by word: String) -> Self {
        let keepsFirst = confidence != nil
        return Self(
            isAccepted: next.isAccepted,
            confidence: keepsFirst ? confidence : next.confidence,
            threshold: keepsFirst ? threshold : next.threshold,
            reason: "\(reason) \(word) \(next.reason)"
        )
    }
}

extension Double {
    /// The value rounded for reading.
    func rounded(toPlaces places: Int) -> Double {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        return (self * scale).rounded() / scale
    }
}
