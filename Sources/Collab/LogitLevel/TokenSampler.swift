internal import CollabKernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Chooses tokens from logits, one after another, by a ``Sampling`` rule.
///
/// The transforms are applied in the order that ``Sampling`` documents: repetition penalty, temperature, top-k,
/// top-p, min-p. Equal logits are ordered by id, the lowest first. Equal seeds give equal choices on every machine.
/// The greedy rule looks for the maximum and the normaliser only; nothing is ever sorted as a whole.
///
/// ```swift
/// var sampler = TokenSampler(.temperature(0.7, topP: 0.9), seed: 7)
/// let token = try sampler.choose(from: start.logits)
/// ```
public struct TokenSampler: Sendable {
    /// A token that was chosen.
    public struct Choice: Hashable, Sendable {
        /// The token.
        public var token: TokenID
        /// Natural logarithm of its probability under the model, before any transform.
        public var logprob: Double
        /// The most probable tokens before any transform, most probable first, if they were asked for.
        public var alternatives: [Alternative]
    }

    /// A token that could have been chosen.
    public struct Alternative: Hashable, Sendable {
        /// The token.
        public var token: TokenID
        /// Natural logarithm of its probability under the model, before any transform.
        public var logprob: Double
    }

    /// The rule.
    public let sampling: Sampling
    /// How many of the most probable tokens each choice reports.
    public let alternatives: Int

    private var generator: SeededGenerator
    private var recent: [TokenID] = []

    /// Makes a sampler.
    ///
    /// - Parameters:
    ///   - sampling: the rule.
    ///   - alternatives: how many of the most probable tokens each choice reports.
    ///   - seed: where the random numbers begin.
    public init(_ sampling: Sampling = .greedy, alternatives: Int = 0, seed: UInt64 = 0) {
        self.sampling = sampling
        self.alternatives = alternatives
        generator = SeededGenerator(seed: seed)
    }

    /// Chooses a token and remembers it for the repetition penalty, which looks at what was written, not at the
    /// prompt.
    ///
    /// Throws ``CollabError/Code/notFinite`` if a logit is NaN or +∞, and ``CollabError/Code/nothingToSample`` if all
    /// are −∞.
    public mutating func choose(from logits: Logits) throws(CollabError) -> Choice {
        try choose(from: logits, decided: nil)
    }

    /// Chooses a token, or takes note of one that has been drawn from the same distribution in another way.
    mutating func choose(from logits: Logits, decided: TokenID?) throws(CollabError) -> Choice {
        let unit = sampling.temperature > 0 ? generator.nextUnit() : 0
        let choice = try logits.values.withUnsafeBufferPointer { (values) throws(CollabError) -> Choice in
            let (normalizer, largest) = Distribution.summary(of: values)
            try Self.check(normalizer, values)
            let index: Int? =
                if let decided {
                    Int(decided)
                } else if penalizes {
                    penalized(values).withUnsafeBufferPointer {
                        pick(from: $0, largest: Distribution.argmax($0), unit: unit)
                    }
                } else {
                    pick(from: values, largest: largest, unit: unit)
                }
            guard let index else { throw Self.nothing }
            return Choice(
                token: TokenID(index),
                logprob: Double(values[index]) - normalizer,
                alternatives: Distribution.topK(alternatives, of: values).map {
                    Alternative(token: TokenID($0.index), logprob: Double($0.value) - normalizer)
                }
            )
        }
        remember(choice.token)
        return choice
    }

    /// The most logits for which a choice is content with the largest.
    private static let mostNeeded = 128

    /// How many of the largest logits a choice needs, or `nil` if it needs the whole row.
    var neededCount: Int? {
        guard sampling.repetitionPenalty == 1 else { return nil }
        let isGreedy = sampling.temperature == 0 || sampling.topK == 1
        guard let kept = isGreedy ? 1 : sampling.topK, max(kept, alternatives) <= Self.mostNeeded else {
            return nil
        }
        return max(kept, alternatives)
    }

    /// Chooses a token from the largest logits, as many as ``neededCount``: the same as from the whole row.
    ///
    /// Without the normaliser the choice's log-probability is NaN.
    mutating func choose(from top: TopTokens) throws(CollabError) -> Choice {
        let unit = sampling.temperature > 0 ? generator.nextUnit() : 0
        guard let best = top.entries.first, best.logit > -.infinity else { throw Self.nothing }
        if let normalizer = top.logSumExp, !normalizer.isFinite { throw Self.nothing }
        let normalizer = top.logSumExp ?? .nan
        let scale = Float(1 / sampling.temperature)
        var chosen = best
        if sampling.temperature > 0, sampling.topK != 1, scale.isFinite {
            let list = Shortlist(of: top.entries, scale: scale, sampling: sampling)
            guard let token = list.draw(unit), let entry = top.entries.first(where: { $0.token == token })
            else {
                throw Self.nothing
            }
            chosen = entry
        }
        return Choice(
            token: chosen.token,
            logprob: Double(chosen.logit) - normalizer,
            alternatives: top.entries.prefix(alternatives).map {
                Alternative(token: $0.token, logprob: Double($0.logit) - normalizer)
            }
        )
    }

    /// Random numbers that have nothing to do with those of the choices.
    var otherNumbers: SeededGenerator {
        var generator = generator
        return SeededGenerator(seed: SeededGenerator.mix(generator.next() ^ 0xa076_1d64_78bd_642f))
    }

    /// Goes on as if it had chosen a token.
    mutating func pass(_ token: TokenID) {
        if sampling.temperature > 0 { _ = generator.nextUnit() }
        remember(token)
    }

    // MARK: Repetition

    private var penalizes: Bool { sampling.repetitionPenalty != 1 && !recent.isEmpty }

    private mutating func remember(_ token: TokenID) {
        guard sampling.repetitionPenalty != 1, sampling.repetitionWindow > 0 else { return }
        recent.append(token)
        if recent.count > sampling.repetitionWindow { recent.removeFirst() }
    }

    private func penalized(_ values: UnsafeBufferPointer<Float>) -> [Float] {
        var penalized = Array(values)
        let penalty = Float(sampling.repetitionPenalty)
        for token in Set(recent) {
            let value = values[Int(token)]
            penalized[Int(token)] = value > 0 ? value / penalty : value * penalty
        }
        return penalized
    }

    // MARK: Choosing

    private func pick(from values: UnsafeBufferPointer<Float>, largest: Int?, unit: Double) -> Int? {
        guard let top = largest, values[top] > -.infinity else { return nil }
        if sampling.temperature == 0 || sampling.topK == 1 { return top }
        let scale = Float(1 / sampling.temperature)
        // A temperature so low that the scale overflows is the greedy rule.
        guard scale.isFinite else { return top }
        let maximum = values[top]
        if sampling.topK == nil, sampling.topP == 1 {
            guard sampling.minP > 0 else {
                return Distribution.draw(values, maximum: maximum, scale: scale, unit: unit)
            }
            // Min-p alone is a threshold: nothing needs to be ordered.
            let least = Float(Double(maximum) + sampling.temperature * log(sampling.minP))
            let kept = Distribution.atLeast(least, of: values)
            return kept.withUnsafeBufferPointer {
                Distribution.draw($0, maximum: maximum, scale: scale, unit: unit)
            }
        }
        return Shortlist(of: values, maximum: maximum, scale: scale, sampling: sampling).draw(unit)
    }

    private static func check(
        _ normalizer: Double,
        _ values: UnsafeBufferPointer<Float>
    ) throws(CollabError) {
        if normalizer == -.infinity { throw nothing }
        guard normalizer.isFinite else {
            let place = values.firstIndex { $0.isNaN || $0 == .infinity } ?? 0
            throw CollabError(
                .notFinite,
                "The logit of token \(place) is \(values[place]); the model or its weights are broken."
            )
        }
    }

    private static var nothing: CollabError {
        CollabError(
            .nothingToSample,
            "Every token is masked out (−∞): loosen the mask, the constraint or the fusion."
        )
    }
}
