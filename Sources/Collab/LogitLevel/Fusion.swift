/// A rule that makes one next-token distribution out of several.
///
/// Write ℓᵢ = log softmax(zᵢ) for the log-probabilities of member i. There are two ways to combine them,
///
/// - log-linear: log softmax(Σ wᵢ ℓᵢ), an intersection of opinions in which every member has a veto; and
/// - linear: log Σ (wᵢ/Σw) exp ℓᵢ, a union in which every member can vote a token in;
///
/// and a ``Mask`` that keeps implausible tokens out. The methods of the literature are choices of weights: see
/// ``productOfExperts``, ``mixture``, ``contrastive(alpha:beta:)``, ``contextAware(alpha:)``, ``guidance(gamma:)``,
/// ``dexperts(strength:)`` and ``proxyTuning(strength:)``. A token whose logit is −∞ for a member of a log-linear
/// fusion is impossible whatever the member's weight is, so masks never turn into their opposite.
public struct Fusion: Hashable, Sendable, Codable {
    /// How log-probabilities are combined.
    public enum Combination: String, Hashable, Sendable, Codable {
        /// A weighted sum of log-probabilities, renormalised.
        case logLinear
        /// A weighted sum of probabilities.
        case linear
    }

    /// The members' weights.
    public enum Weights: Hashable, Sendable, Codable {
        /// 1/k each.
        case equal
        /// As written, one a member; their sum matters to a log-linear fusion: more than 1 sharpens the result.
        case asWritten([Double])
        /// Divided by their sum, one a member.
        case normalised([Double])
    }

    /// What to call the rule in traces.
    public var name: String
    /// How log-probabilities are combined.
    public var combination: Combination
    /// The members' weights.
    public var weights: Weights
    /// Which tokens may be written at all.
    public var mask: Mask

    /// Makes a rule.
    public init(
        _ name: String,
        _ combination: Combination,
        weights: Weights,
        mask: Mask = .automatic
    ) {
        self.name = name
        self.combination = combination
        self.weights = weights
        self.mask = mask
    }

    /// The same rule with another mask.
    public func masked(by mask: Mask) -> Fusion {
        var fusion = self
        fusion.mask = mask
        return fusion
    }
}

extension Fusion {
    /// Which tokens a fused distribution may choose from.
    public enum Mask: Hashable, Sendable, Codable {
        /// Plausibility with α = 0.1 where a weight is negative, no mask otherwise.
        ///
        /// A negative weight promotes tokens that all members find absurd, since small log-probabilities have large
        /// differences; the mask keeps them out. It is measured on the member with the largest positive weight.
        case automatic
        /// All tokens.
        case none
        /// Tokens at least α times as probable as the reference's most probable one (Li et al. 2022).
        case plausibility(alpha: Double, of: Reference)
        /// The reference's most probable tokens, up to a mass.
        case nucleus(topP: Double, of: Int)
    }

    /// Whose opinion a mask goes by.
    public enum Reference: Hashable, Sendable, Codable {
        /// One member, counted from 0.
        case member(Int)
        /// A token is kept if any member keeps it.
        case any
        /// A token is kept if all members keep it; if that leaves nothing, as with ``any``.
        case all
    }
}

extension Fusion: CustomStringConvertible {
    /// The rule's name.
    public var description: String { name }
}
