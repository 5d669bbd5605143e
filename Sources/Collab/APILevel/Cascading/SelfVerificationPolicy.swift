/// At which outcomes of a self-verification to ask the larger model, learned from questions whose answers were judged
/// (Aggarwal et al. 2023, “AutoMix”).
///
/// A model's verdict on itself is noisy, and asking on does not always help. So a question is thought to be in one of
/// three hidden states: *needy* (the larger model does better), *good* (the small one does well enough), *hopeless*
/// (neither does). The verdict is an observation of it; the policy asks on where the expected gain is worth the price.
public struct SelfVerificationPolicy: Hashable, Sendable, Codable {
    /// A judged question.
    public struct Sample: Hashable, Sendable, Codable {
        /// The share of verdicts that said that the small model's answer is right.
        public var share: Double
        /// The quality of the small model's answer.
        public var small: Double
        /// The quality of the larger model's answer.
        public var large: Double

        /// Makes a sample.
        public init(share: Double, small: Double, large: Double) {
            self.share = share
            self.small = small
            self.large = large
        }
    }

    /// How many verdicts are asked for.
    public var verdicts: Int
    /// Whether to keep the small model's answer, by the number of verdicts for it, from 0 to all.
    public var keeps: [Bool]

    /// Makes a policy.
    public init(verdicts: Int, keeps: [Bool]) {
        self.verdicts = verdicts
        self.keeps = keeps
    }

    /// Whether to keep an answer.
    public func keeps(share: Double) -> Bool {
        guard share.isFinite else { return false }
        let place = Self.place(share, verdicts)
        return keeps.indices.contains(place) && keeps[place]
    }

    private static func place(_ share: Double, _ verdicts: Int) -> Int {
        Int((min(max(share, 0), 1) * Double(verdicts)).rounded())
    }

    /// Learns by the three hidden states.
    ///
    /// With P(state) and P(verdict | state) from the samples (each verdict counted once more than it occurred), asking
    /// on is worth Σ P(state | verdict) · gain(state) − price, where gain is the mean of large − small in the state.
    ///
    /// - Parameters:
    ///   - samples: judged questions, a few hundred or more.
    ///   - verdicts: how many verdicts were asked for.
    ///   - price: what asking the larger model costs, in units of quality: at 0.1 it must be right on one question more
    ///     in ten.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` without samples.
    public static func fitted(
        to samples: [Sample],
        verdicts: Int,
        price: Double
    ) throws(CollabError) -> SelfVerificationPolicy {
        try validate(samples, verdicts)
        // Needy, good, hopeless.
        func state(_ sample: Sample) -> Int {
            sample.large > sample.small ? 0 : sample.small >= 0.5 ? 1 : 2
        }
        var counts = [[Double]](repeating: [Double](repeating: 1, count: verdicts + 1), count: 3)
        var (gains, totals) = ([0.0, 0, 0], [0.0, 0, 0])
        for sample in samples {
            let state = state(sample)
            counts[state][place(sample.share, verdicts)] += 1
            gains[state] += sample.large - sample.small
            totals[state] += 1
        }
        let keeps = (0...verdicts).map { place in
            var (belief, gain) = (0.0, 0.0)
            for state in 0..<3 where totals[state] > 0 {
                let seen = counts[state].reduce(0, +)
                let weight = totals[state] * counts[state][place] / seen
                belief += weight
                gain += weight * gains[state] / totals[state]
            }
            return gain / belief <= price
        }
        return SelfVerificationPolicy(verdicts: verdicts, keeps: keeps)
    }

    /// Learns the number of verdicts from which answers are kept: that with the greatest mean of quality − price.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` without samples.
    public static func thresholdFitted(
        to samples: [Sample],
        verdicts: Int,
        price: Double
    ) throws(CollabError) -> SelfVerificationPolicy {
        try validate(samples, verdicts)
        var best = (utility: -Double.infinity, threshold: 0)
        for threshold in 0...(verdicts + 1) {
            let utility = samples.reduce(0) {
                $0 + (place($1.share, verdicts) >= threshold ? $1.small : $1.large - price)
            }
            // Of equals the one that asks on less often.
            if utility > best.utility { best = (utility, threshold) }
        }
        return SelfVerificationPolicy(
            verdicts: verdicts,
            keeps: (0...verdicts).map { $0 >= best.threshold }
        )
    }

    private static func validate(_ samples: [Sample], _ verdicts: Int) throws(CollabError) {
        let isFine = samples.allSatisfy { $0.share.isFinite && $0.small.isFinite && $0.large.isFinite }
        guard !samples.isEmpty, verdicts >= 1, isFine else {
            throw CollabError(
                .invalidRequest,
                "A self-verification policy learns from one finite sample or more, and one verdict or more."
            )
        }
    }
}

extension Acceptance {
    /// Accepts what a learned policy keeps after the model has judged its own answer.
    public static func selfVerification(_ policy: SelfVerificationPolicy) -> Acceptance {
        let signal = ConfidenceSignal.selfVerified(verdicts: policy.verdicts)
        let decided = ConfidenceSignal(
            "\(signal) by a learned policy",
            callRange: signal.callRange
        ) { evidence in
            try await signal.measure(evidence).map { policy.keeps(share: $0) ? 1 : 0 }
        }
        return .confidence(decided, above: 0.5)
    }
}
