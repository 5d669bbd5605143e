#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A fusion of distributions of which only the most probable tokens are known, with a certificate of how far the result
/// may be from the fusion of the whole ones.
///
/// Of a token that member i does not list it is known that 0 ≤ pᵢ ≤ uᵢ, and of all such tokens together that they have
/// the mass εᵢ. So every fused score lies in an interval. What is written is chosen from the scores' lower ends, over
/// the tokens that are listed well enough:
///
/// - A mixture Σ wᵢ pᵢ is at most O / (K + O) away, in total variation, with K = Σ wᵢ (1 − εᵢ) the sum of the lower ends and
///   O = Σ wᵢ εᵢ that of what is open: adding D ≤ O to scores that sum to K takes D / (K + D) of the mass from them.
/// - A product Π pᵢ^wᵢ with weights that sum to 1 or more is exact on the tokens that all members list. By Hölder's
///   inequality, the other tokens' scores sum to no more than O = Σ over the sets G of members that list them of
///   Π_{i∈G} m_{G,i}^wᵢ Π_{i∉G} εᵢ^wᵢ, with m the mass of those tokens for member i; the result is at most O / (K + O)
///   away, where K is the sum of the scores that are known.
/// - With the plausibility mask only the base's plausible tokens count, and they are all known if the base lists a token
///   that is implausible. What members of positive weight do not list is taken to be improbable, so a product cannot
///   choose it; the upper ends of these tokens' scores sum to O, and the bound is O / (K + O) again.
/// - A member of negative weight that does not list a plausible token makes its score unbounded: it is taken to find it as
///   probable as it can, which understates the contrast, and the token is labelled approximate. So is one that is written
///   while the base may find more tokens plausible than it lists.
public struct IntervalFusion: Sendable {
    /// The rule.
    public let fusion: Fusion
    private let plan: FusionPlan

    /// Makes a fusion of so many members.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for a rule that intervals are not known for: one whose weights change
    /// from token to token, a gate, another mask than plausibility by one member, negative weights without it, or a
    /// product whose weights sum to less than 1.
    public init(_ fusion: Fusion, memberCount: Int) throws(CollabError) {
        let plan = try FusionPlan(fusion, memberCount: memberCount)
        self.fusion = fusion
        self.plan = plan
        let fault: String? =
            if plan.dynamics != .constant || fusion.readsPrompt || plan.gate != .always
                || plan.schedule != .constant
            {
                "changes from token to token"
            } else if plan.combination != .linear, plan.combination != .logLinear {
                "is neither a mixture nor a product"
            } else {
                Self.maskFault(plan)
            }
        if let fault {
            throw CollabError(
                .invalidRequest,
                "The fusion “\(fusion.name)” \(fault); that cannot be bounded where only the most probable tokens are known."
            )
        }
    }

    private static func maskFault(_ plan: FusionPlan) -> String? {
        let isSigned = plan.weights.contains { $0 < 0 }
        switch plan.mask {
        case .none, .automatic:
            if isSigned { return "has a negative weight and no mask" }
            if plan.combination == .logLinear, plan.weights.reduce(0, +) < 1 - 1e-9 {
                return "is a product with weights that sum to less than 1"
            }
            return nil
        case .plausibility(let alpha, .member(let index)):
            if alpha <= 0 { return "has a mask that lets every token pass" }
            return plan.weights[index] > 0 ? nil : "has a mask by a member whose weight is not positive"
        default: return "has a mask that goes by more than one member"
        }
    }

    /// How much is known of a fused distribution.
    public enum Certainty: Hashable, Sendable {
        /// It is that of the whole distributions.
        case exact
        /// It is at most so far from that of the whole distributions, in total variation.
        case bounded(Double)
        /// No bound is known: a member that would have to be subtracted does not list a token, and was taken to find it as
        /// probable as it can; the mask's member may find tokens plausible that it does not list; or a member's probability
        /// had to be assumed (``PartialDistribution/isAssumed``).
        case approximate
    }

    /// What fusing one token gave.
    public struct Step: Sendable {
        /// The tokens that can be written with the logarithms of their scores, largest first; they sum to no
        /// particular number.
        public var scores: [PartialDistribution.Entry]
        /// How far the scores' distribution may be from that of the whole distributions.
        public var certainty: Certainty
        /// Whether the first token is certain to be the favourite of the whole distributions.
        public var isFavouriteCertain: Bool
        /// For each member, the tokens that it should tell the probabilities of, to be sure.
        public var missing: [[[UInt8]]]
    }

    /// Fuses what is known of one token.
    ///
    /// Throws ``CollabError/Code/nothingToSample`` if no token is known well enough to be written, and
    /// ``CollabError/Code/notFinite`` for a log-probability that is NaN or +∞.
    public func fuse(_ members: [PartialDistribution]) throws(CollabError) -> Step {
        if let broken = members.firstIndex(where: \.isBroken) {
            throw CollabError(
                .notFinite,
                "Member \(broken) of “\(fusion.name)” gives a token a log-probability that is NaN or +∞."
            )
        }
        var step: Step
        switch plan.mask {
        case .plausibility(let alpha, .member(let index)): step = masked(members, alpha: alpha, by: index)
        default: step = plan.combination == .linear ? linear(members) : product(members)
        }
        guard !step.scores.isEmpty else {
            throw CollabError(
                .nothingToSample,
                "No token is listed by all members of “\(fusion.name)”: ask for more of the most probable tokens."
            )
        }
        if used.contains(where: { members[$0].isAssumed }) {
            step.certainty = .approximate
            step.isFavouriteCertain = false
        }
        return step
    }

    private var used: [Int] { plan.weights.indices.filter { plan.weights[$0] != 0 } }

    private func listed(_ members: [PartialDistribution]) -> Set<[UInt8]> {
        used.reduce(into: []) { $0.formUnion(members[$1].entries.map(\.bytes)) }
    }

    private func missing(_ members: [PartialDistribution], _ tokens: some Sequence<[UInt8]>) -> [[[UInt8]]] {
        let tokens = Array(tokens)
        return members.indices.map { index in
            plan.weights[index] == 0 ? [] : tokens.filter { members[index].logprob(of: $0) == nil }
        }
    }

    // MARK: Mixtures

    private func linear(_ members: [PartialDistribution]) -> Step {
        var scores: [PartialDistribution.Entry] = []
        var highest: [[UInt8]: Double] = [:]
        for token in listed(members) {
            let (low, high) = sum(members, token)
            scores.append(PartialDistribution.Entry(bytes: token, logprob: low))
            highest[token] = high
        }
        scores = scores.sortedByLogprob
        let unseen = used.reduce(0) { $0 + plan.weights[$1] * members[$1].unseenBound }
        let omitted = used.reduce(0) { $0 + plan.weights[$1] * members[$1].unseenMass }
        let kept = scores.reduce(0) { $0 + exp($1.logprob) }
        return step(
            scores,
            highest: highest,
            unseen: log(unseen),
            bound: omitted / (kept + omitted),
            members
        )
    }

    private func step(
        _ scores: [PartialDistribution.Entry],
        highest: [[UInt8]: Double],
        unseen: Double,
        bound: Double,
        _ members: [PartialDistribution]
    ) -> Step {
        let scores = scores.filter { $0.logprob > -.infinity }
        guard let best = scores.first else {
            return Step(scores: [], certainty: .bounded(1), isFavouriteCertain: false, missing: [])
        }
        let rivals = highest.filter { $0.key != best.bytes && $0.value > best.logprob }.map(\.key)
        return Step(
            scores: scores,
            certainty: bound <= Self.rounding ? .exact : .bounded(min(bound, 1)),
            isFavouriteCertain: rivals.isEmpty && unseen <= best.logprob,
            missing: missing(members, rivals + [best.bytes])
        )
    }

    /// What sums of whole distributions may lack of 1 by rounding.
    private static let rounding = 1e-6

    // MARK: Products

    private func product(_ members: [PartialDistribution]) -> Step {
        var scores: [PartialDistribution.Entry] = []
        var highest: [[UInt8]: Double] = [:]
        /// For each set of members that list a token: their masses of such tokens, and the sum of the scores' upper ends.
        var patterns: [[Bool]: (masses: [Double], sum: Double)] = [:]
        for token in listed(members) {
            let logprobs = members.map { $0.logprob(of: token) }
            var high = 0.0
            for index in used {
                high += plan.weights[index] * (logprobs[index] ?? log(members[index].unseenBound))
            }
            highest[token] = high
            if used.allSatisfy({ logprobs[$0] != nil }) {
                scores.append(PartialDistribution.Entry(bytes: token, logprob: high))
                continue
            }
            let pattern = logprobs.map { $0 != nil }
            var known = patterns[pattern] ?? (Array(repeating: 0, count: members.count), 0)
            for index in used { known.masses[index] += logprobs[index].map { exp($0) } ?? 0 }
            known.sum += exp(high)
            patterns[pattern] = known
        }
        var omitted = used.reduce(1) { $0 * pow(members[$1].unseenMass, plan.weights[$1]) }
        for (pattern, known) in patterns {
            let hoelder = used.reduce(1) { product, index in
                product
                    * pow(
                        pattern[index] ? known.masses[index] : members[index].unseenMass,
                        plan.weights[index]
                    )
            }
            omitted += min(hoelder, known.sum)
        }
        scores = scores.sortedByLogprob
        let kept = scores.reduce(0) { $0 + exp($1.logprob) }
        let unseen = used.reduce(0) { $0 + plan.weights[$1] * log(members[$1].unseenBound) }
        let bound = kept + omitted > 0 ? omitted / (kept + omitted) : 1
        return step(scores, highest: highest, unseen: unseen, bound: bound, members)
    }

    // MARK: Contrasts

    private func masked(_ members: [PartialDistribution], alpha: Double, by base: Int) -> Step {
        guard let favourite = members[base].entries.first else {
            return Step(scores: [], certainty: .bounded(1), isFavouriteCertain: false, missing: [])
        }
        let least = favourite.logprob + log(alpha)
        let head = members[base].entries.filter { $0.logprob >= least }.map(\.bytes)
        var scores: [PartialDistribution.Entry] = []
        var highest: [[UInt8]: Double] = [:]
        for token in head {
            let (low, high) = plan.combination == .linear ? sum(members, token) : power(members, token)
            if low > -.infinity { scores.append(PartialDistribution.Entry(bytes: token, logprob: low)) }
            highest[token] = high
        }
        scores = scores.sortedByLogprob
        // A plausible token that the base does not list could be anything.
        let isWholeHead = members[base].unseenBound < exp(least)
        let open = highest.values.contains(.infinity)
        let best = scores.first
        let isCertain = highest.allSatisfy {
            $0.key == best?.bytes || $0.value <= best?.logprob ?? -.infinity
        }
        return Step(
            scores: scores,
            certainty: isWholeHead && !open ? certainty(of: scores, below: highest) : .approximate,
            isFavouriteCertain: isWholeHead && !open && isCertain,
            missing: missing(members, head)
        )
    }

    /// The logarithms of the ends of Σ wᵢ pᵢ, where no weight is negative.
    private func sum(_ members: [PartialDistribution], _ token: [UInt8]) -> (low: Double, high: Double) {
        var (low, open) = (0.0, 0.0)
        for index in used {
            if let logprob = members[index].logprob(of: token) {
                low += plan.weights[index] * exp(logprob)
            } else {
                open += plan.weights[index] * members[index].unseenBound
            }
        }
        return (log(low), log(low + open))
    }

    /// The ends of Σ wᵢ ln pᵢ; a token that a member finds impossible is impossible, as it is for whole distributions.
    private func power(_ members: [PartialDistribution], _ token: [UInt8]) -> (low: Double, high: Double) {
        var (low, high) = (0.0, 0.0)
        for index in used {
            let (weight, logprob) = (plan.weights[index], members[index].logprob(of: token))
            let most = logprob ?? log(members[index].unseenBound)
            if most == -.infinity { return (-.infinity, -.infinity) }
            if logprob != nil || weight < 0 { low += weight * most } else { low = -.infinity }
            if logprob != nil || weight > 0 { high += weight * most } else { high = .infinity }
        }
        return (low, high)
    }

    /// How far the lower ends' distribution may be from that of scores between both ends.
    private func certainty(
        of scores: [PartialDistribution.Entry],
        below highest: [[UInt8]: Double]
    ) -> Certainty {
        guard let top = scores.first?.logprob else { return .bounded(1) }
        let kept = scores.reduce(0) { $0 + exp($1.logprob - top) }
        let most = highest.values.reduce(0) { $0 + exp($1 - top) }
        let bound = max(0, most - kept) / most
        return bound <= Self.rounding ? .exact : .bounded(min(bound, 1))
    }
}
