/// A threshold that was chosen on outcomes, with what is known about it.
///
/// ```swift
/// let threshold = try CalibratedThreshold.keepingRisk(below: 0.1, failingAtMost: 0.05, on: outcomes)
/// let cascade = Cascade(until: .confidence(above: threshold)) { small; large }
/// ```
public struct CalibratedThreshold: Hashable, Sendable, Codable {
    /// How it was chosen.
    public enum Rule: Hashable, Sendable, Codable {
        /// So that a share of all scores lies above it.
        case share(target: Double)
        /// So that with probability 1 − `delta` or more, no more than a share `risk` of what lies above it is wrong.
        case risk(atMost: Double, delta: Double, test: RiskTest)
        /// By the lowest observed share of wrong answers, without any guarantee.
        case observedRisk(atMost: Double)
    }

    /// How several thresholds are tested without being misled by the best-looking one.
    public enum RiskTest: String, Hashable, Sendable, Codable {
        /// From the highest threshold downwards, each at the full level, up to the first that cannot be trusted. It
        /// begins where so many answers are accepted that half the allowed risk would pass.
        case fixedSequence
        /// All at the level divided by their number (Bonferroni); the lowest that can be trusted is taken.
        case everyThreshold
    }

    /// What a score must be above; `nil`: no threshold can be trusted, and nothing is accepted.
    public var value: Double?
    /// How it was chosen.
    public var rule: Rule
    /// How many outcomes it was chosen on.
    public var count: Int
    /// The share of them that lies above it.
    public var acceptedShare: Double
    /// The share of those that was wrong; `nil` where qualities were not known, or nothing is accepted.
    public var observedRisk: Double?
    /// The exact upper bound for that share, at the level of the rule; `nil` where the rule gives none.
    public var riskBound: Double?

    /// Whether a score is above it.
    public func accepts(_ score: Double) -> Bool { value.map { score > $0 } ?? false }

    /// The threshold that lets a share of all requests pass, by the quantile of their scores.
    ///
    /// Of equal scores all pass or none; the share that passes is never above the target.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for no scores, ones that are not finite, or a share outside 0…1.
    public static func passing(share: Double, of scores: [Double]) throws(CollabError) -> CalibratedThreshold
    {
        try scores.map { ScoredOutcome(score: $0, quality: 0) }.validate(for: "a target share")
        guard (0...1).contains(share) else {
            throw CollabError(.invalidRequest, "The share \(share) does not lie between 0 and 1.")
        }
        let sorted = scores.sorted(by: >)
        var threshold = CalibratedThreshold(
            value: nil,
            rule: .share(target: share),
            count: scores.count,
            acceptedShare: 0
        )
        // A tolerance, so that a third of three is one.
        let allowed = Int((share * Double(sorted.count) + 1e-9).rounded(.down))
        if allowed == sorted.count {
            threshold.value = (sorted.last ?? 0).nextDown
            threshold.acceptedShare = 1
            return threshold
        }
        let value = sorted[allowed]
        threshold.value = value
        threshold.acceptedShare = Double(sorted.count { $0 > value }) / Double(sorted.count)
        return threshold
    }

    /// The lowest threshold above which, with probability 1 − `delta` or more over the choice of the outcomes, no more
    /// than a share `risk` of the answers is wrong (learn then test, Angelopoulos et al. 2021, with the exact binomial
    /// bound of Clopper and Pearson).
    ///
    /// The guarantee holds if the outcomes were not used to train what gives the scores, and if later requests are of
    /// the same kind. A quality below one half counts as wrong.
    ///
    /// - Parameters:
    ///   - risk: the share of accepted answers that may be wrong.
    ///   - delta: the probability with which the guarantee may fail.
    ///   - outcomes: scores and qualities.
    ///   - test: how several thresholds are tested.
    ///   - candidates: how many thresholds are tested: quantiles of the scores, evenly spaced.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for outcomes that cannot be learned from or parameters out of range.
    public static func keepingRisk(
        below risk: Double,
        failingAtMost delta: Double,
        on outcomes: [ScoredOutcome],
        test: RiskTest = .fixedSequence,
        candidates: Int = 20
    ) throws(CollabError) -> CalibratedThreshold {
        try validate(risk, outcomes)
        guard delta > 0, delta < 1, candidates >= 1 else {
            throw CollabError(
                .invalidRequest,
                "delta is \(delta) and candidates \(candidates); take one between 0 and 1, and one or more."
            )
        }
        let level = test == .fixedSequence ? delta : delta / Double(candidates)
        var threshold = CalibratedThreshold(
            value: nil,
            rule: .risk(atMost: risk, delta: delta, test: test),
            count: outcomes.count,
            acceptedShare: 0
        )
        for group in groups(outcomes, candidates) {
            // A sequence that began where even a good start cannot be told from a bad one would end there. Where it
            // begins depends on the counts alone, not on what was right.
            let halfTheRisk = Int(risk * Double(group.accepted) / 2)
            if test == .fixedSequence, threshold.value == nil,
                BinomialBound.upper(events: halfTheRisk, trials: group.accepted, delta: level) > risk
            {
                continue
            }
            let bound = BinomialBound.upper(events: group.wrong, trials: group.accepted, delta: level)
            guard bound <= risk else {
                if test == .fixedSequence { break }
                continue
            }
            threshold.take(group, of: outcomes.count)
            threshold.riskBound = bound
        }
        return threshold
    }

    /// The lowest threshold above which no more than a share `risk` of these very outcomes was wrong.
    ///
    /// It promises nothing for others: of many thresholds the one that looks best is lucky. Use
    /// ``keepingRisk(below:failingAtMost:on:test:candidates:)`` where it matters.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for outcomes that cannot be learned from or parameters out of range.
    public static func observingRisk(
        below risk: Double,
        on outcomes: [ScoredOutcome],
        candidates: Int = 20
    ) throws(CollabError) -> CalibratedThreshold {
        try validate(risk, outcomes)
        var threshold = CalibratedThreshold(
            value: nil,
            rule: .observedRisk(atMost: risk),
            count: outcomes.count,
            acceptedShare: 0
        )
        for group in groups(outcomes, max(candidates, 1)) where group.risk <= risk {
            threshold.take(group, of: outcomes.count)
        }
        return threshold
    }

    private static func validate(_ risk: Double, _ outcomes: [ScoredOutcome]) throws(CollabError) {
        try outcomes.validate(for: "a risk guarantee")
        guard risk > 0, risk < 1 else {
            throw CollabError(.invalidRequest, "The risk \(risk) does not lie between 0 and 1.")
        }
    }

    /// What lies above a candidate threshold.
    private struct Group {
        var threshold: Double
        var accepted: Int
        var wrong: Int
        var risk: Double { Double(wrong) / Double(accepted) }
    }

    /// What lies above each of evenly spaced quantiles, highest threshold first; equal thresholds once.
    private static func groups(_ outcomes: [ScoredOutcome], _ candidates: Int) -> [Group] {
        let sorted = outcomes.sorted { $0.score > $1.score }
        var groups: [Group] = []
        var (seen, wrong) = (0, 0)
        for step in 1...candidates {
            let wanted = (sorted.count * step) / candidates
            guard wanted > seen else { continue }
            // Of equal scores all are accepted: go on to the last of them.
            var end = wanted
            while end < sorted.count, sorted[end].score == sorted[end - 1].score { end += 1 }
            wrong += sorted[seen..<end].count { $0.quality < 0.5 }
            seen = end
            let threshold = end < sorted.count ? sorted[end].score : sorted[end - 1].score.nextDown
            groups.append(Group(threshold: threshold, accepted: end, wrong: wrong))
        }
        return groups
    }

    private mutating func take(_ group: Group, of count: Int) {
        value = group.threshold
        acceptedShare = Double(group.accepted) / Double(count)
        observedRisk = group.risk
    }

    private init(value: Double?, rule: Rule, count: Int, acceptedShare: Double) {
        self.value = value
        self.rule = rule
        self.count = count
        self.acceptedShare = acceptedShare
        observedRisk = nil
        riskBound = nil
    }
}

extension Acceptance {
    /// Accepts an answer whose confidence was measured and is above a threshold that was chosen on outcomes.
    ///
    /// A threshold that accepts nothing is one that no confidence is above.
    public static func confidence(
        _ signal: ConfidenceSignal = .meanTokenProbability,
        above threshold: CalibratedThreshold
    ) -> Acceptance {
        .confidence(signal, above: threshold.value ?? .infinity)
    }
}
