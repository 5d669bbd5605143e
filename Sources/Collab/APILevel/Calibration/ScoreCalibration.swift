#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A map from a score to the probability that the answer is right, learned from outcomes.
///
/// It is `Codable`, and so can be kept beside the thresholds that were chosen with it. Put it in front of a threshold
/// with ``ConfidenceSignal/calibrated(by:)``.
public enum ScoreCalibration: Hashable, Sendable, Codable {
    /// A point of a monotone curve.
    public struct Knot: Hashable, Sendable, Codable {
        /// The score.
        public var score: Double
        /// The probability there.
        public var probability: Double

        /// Makes a knot.
        public init(score: Double, probability: Double) {
            self.score = score
            self.probability = probability
        }
    }

    /// Scores are probabilities already.
    case identity
    /// 1 / (1 + exp(−(slope · score + intercept))).
    case platt(slope: Double, intercept: Double)
    /// Straight lines between knots of ascending score, and level outside them.
    case isotonic([Knot])
    /// 1 / (1 + exp(−logit(score) / temperature)): above 1 it makes sure scores less sure.
    case temperature(Double)

    /// The probability that an answer of a score is right.
    public func probability(of score: Double) -> Double {
        switch self {
        case .identity: score
        case .platt(let slope, let intercept): sigmoid(slope * score + intercept)
        case .temperature(let temperature): sigmoid(logit(score) / temperature)
        case .isotonic(let knots): Self.interpolate(score, knots)
        }
    }

    /// The outcomes with probabilities in the place of their scores.
    public func applied(to outcomes: [ScoredOutcome]) -> [ScoredOutcome] {
        outcomes.map { ScoredOutcome(score: probability(of: $0.score), quality: $0.quality) }
    }

    private static func interpolate(_ score: Double, _ knots: [Knot]) -> Double {
        guard let first = knots.first, let last = knots.last, !score.isNaN else { return .nan }
        if score <= first.score { return first.probability }
        if score >= last.score { return last.probability }
        var (low, high) = (0, knots.count - 1)
        while high - low > 1 {
            let middle = (low + high) / 2
            if knots[middle].score <= score { low = middle } else { high = middle }
        }
        let (left, right) = (knots[low], knots[high])
        let share = (score - left.score) / (right.score - left.score)
        return left.probability + share * (right.probability - left.probability)
    }
}

extension ConfidenceSignal {
    /// The same signal, whose values are mapped to the probability that the answer is right.
    public func calibrated(by calibration: ScoreCalibration) -> ConfidenceSignal {
        ConfidenceSignal(
            "calibrated \(description)",
            alternatives: alternatives,
            callRange: callRange
        ) { evidence in
            try await measure(evidence).map(calibration.probability)
        }
    }
}

/// 1 / (1 + e⁻ˣ).
func sigmoid(_ value: Double) -> Double {
    value >= 0 ? 1 / (1 + exp(-value)) : exp(value) / (1 + exp(value))
}

/// log(p / (1 − p)), with p kept away from 0 and 1 by 10⁻¹².
func logit(_ probability: Double) -> Double {
    let kept = min(max(probability, 1e-12), 1 - 1e-12)
    return log(kept / (1 - kept))
}
