/// A rule that makes one next-token distribution out of several.
///
/// Write ℓᵢ = log softmax(zᵢ) for the log-probabilities of member i. Nearly all methods of the literature combine them
/// in one of two ways,
///
/// - log-linear: log softmax(Σ wᵢ ℓᵢ), an intersection of opinions in which every member has a veto; and
/// - linear: log Σ (wᵢ/Σw) exp ℓᵢ, a union in which every member can vote a token in;
///
/// with a ``Mask`` that keeps implausible tokens out. They are choices of weights: see ``productOfExperts``,
/// ``mixture``, ``contrastive(alpha:beta:)``, ``contextAware(alpha:)``, ``guidance(gamma:)``, ``dexperts(strength:)`` and
/// the others. A token whose logit is −∞ for a member of a log-linear fusion is impossible whatever the member's weight
/// is, so masks never turn into their opposite.
///
/// One member is the ``base``, whose text the others change. A ``Schedule`` says how strongly they do after so many
/// tokens, and a ``Gate`` whether they do at this one; where they do not, the base writes alone, and members that need
/// not be asked are not run.
public struct Fusion: Hashable, Sendable, Codable {
    /// How log-probabilities are combined.
    public enum Combination: String, Hashable, Sendable, Codable {
        /// A weighted sum of log-probabilities, renormalised.
        case logLinear
        /// A weighted sum of probabilities.
        case linear
        /// The largest log-probability that a member has, renormalised: what any finds likely. It takes equal weights.
        case maximum
        /// The smallest log-probability that a member has, renormalised: what all find likely. It takes equal weights.
        case minimum
        /// A weighted sum of probabilities whose weights may be negative, but not less than 10⁻⁸.
        case extrapolation
        /// log-probabilities of the base, plus w times the logarithm of how probable the members of positive weight w
        /// have become, among all others, as those who wrote the text.
        case classConditional
    }

    /// The members' weights.
    public enum Weights: Hashable, Sendable, Codable {
        /// 1/k each.
        case equal
        /// As written, one a member; their sum matters to a log-linear fusion: more than 1 sharpens the result.
        case asWritten([Double])
        /// Divided by their sum, one a member.
        case normalised([Double])
        /// At the beginning the given ones, then in proportion to how probable each member has found the text so far:
        /// wᵢ Pᵢ(text), one a member. A linear fusion is then exactly the mixture of the members' texts.
        case posterior([Double])
        /// By how sure each member is of this token: e^(−Hᵢ/τ) with its entropy Hᵢ in nats, divided by their sum.
        case byEntropy(temperature: Double)
        /// By how well each member has known the prompt: e^(−Lᵢ/τ) with its mean loss Lᵢ in nats a token, divided by
        /// their sum.
        case byPromptPerplexity(temperature: Double)
    }

    /// What to call the rule in traces.
    public var name: String
    /// How log-probabilities are combined.
    public var combination: Combination
    /// The members' weights.
    public var weights: Weights
    /// Which tokens may be written at all.
    public var mask: Mask
    /// The member whose text the others change, counted from 0; `nil`: the one with the largest positive weight, the
    /// first of equals.
    public var base: Int?
    /// How strongly the others change it after so many tokens.
    public var schedule: Schedule
    /// At which tokens they do.
    public var gate: Gate

    /// Makes a rule.
    public init(
        _ name: String,
        _ combination: Combination,
        weights: Weights,
        mask: Mask = .automatic,
        base: Int? = nil,
        schedule: Schedule = .constant,
        gate: Gate = .always
    ) {
        self.name = name
        self.combination = combination
        self.weights = weights
        self.mask = mask
        self.base = base
        self.schedule = schedule
        self.gate = gate
    }

    /// The same rule with another mask.
    public func masked(by mask: Mask) -> Fusion {
        var fusion = self
        fusion.mask = mask
        return fusion
    }

    /// The same rule with a strength that changes over time.
    public func scheduled(_ schedule: Schedule) -> Fusion {
        var fusion = self
        fusion.schedule = schedule
        return fusion
    }

    /// The same rule at some tokens only; the base writes the others alone.
    public func gated(by gate: Gate) -> Fusion {
        var fusion = self
        fusion.gate = gate
        return fusion
    }
}

extension Fusion {
    /// Which tokens a fused distribution may choose from.
    public enum Mask: Hashable, Sendable, Codable {
        /// Plausibility with α = 0.1 where a weight is negative, no mask otherwise.
        ///
        /// A negative weight promotes tokens that all members find absurd, since small log-probabilities have large
        /// differences; the mask keeps them out. It is measured on the rule's base.
        case automatic
        /// All tokens.
        case none
        /// Tokens at least α times as probable as the reference's most probable one (Li et al. 2022).
        case plausibility(alpha: Double, of: Reference)
        /// The reference's most probable tokens, up to a mass.
        case nucleus(topP: Double, of: Int)
        /// Tokens among the most probable ones of every member: of lists that begin with so many tokens, and are
        /// lengthened, token by token, until they have so many in common. What a member finds impossible is in no list.
        case sharedTop(Int)
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
