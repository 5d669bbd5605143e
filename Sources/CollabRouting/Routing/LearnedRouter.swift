public import Collab

/// Chooses the candidate that was learned to suit a question best.
///
/// An estimator says how good each model's answer will be; a ``RoutingPolicy`` weighs that against what answers cost.
/// Candidates are recognised by their names; one that nothing was learned of is not scored and not chosen. Every
/// decision carries the estimates of all candidates.
public struct LearnedRouter: Router {
    /// What to call the router in traces.
    public var name: String { "learned from \(features.name)" }
    /// The names of the models that were learned from.
    public let models: [String]
    /// How questions become numbers.
    public let features: RoutingFeatures
    /// What says how good each answer will be.
    public let estimator: any QualityEstimator
    /// How a choice is made of the estimates.
    public var policy: RoutingPolicy
    /// What it was learned from, for people: the method, how many questions, the date; saved with the router.
    public var facts: [String: String]

    /// Makes a router.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` if the estimator is of another number of models.
    public init(
        models: [String],
        features: RoutingFeatures,
        estimator: any QualityEstimator,
        policy: RoutingPolicy = .best,
        facts: [String: String] = [:]
    ) throws(CollabError) {
        guard estimator.modelCount == models.count, Set(models).count == models.count else {
            throw CollabError(
                .invalidRequest,
                "The estimator is of \(estimator.modelCount) models, the names are \(models.joined(separator: ", "))."
            )
        }
        self.models = models
        self.features = features
        self.estimator = estimator
        self.policy = policy
        self.facts = facts
    }

    /// How good each model's answer is estimated to be, in the order of ``models``.
    public func qualities(for question: String) async throws(CollabError) -> [Double] {
        let estimates = try estimator.qualities(of: try await features.table(of: [question]))
        return estimates.values.map { Double($0) }
    }

    /// Estimates every candidate and chooses by the policy.
    public func route(
        _ request: Request,
        among candidates: [RouteCandidate]
    ) async throws(CollabError) -> RoutingDecision {
        let places = candidates.map { models.firstIndex(of: $0.name) }
        guard places.contains(where: { $0 != nil }) else {
            throw CollabError(
                .invalidRequest,
                "The router learned of \(models.joined(separator: ", ")), and none of these is a candidate."
            )
        }
        let all = try await qualities(for: request.question)
        let scores = places.map { place in place.map { all[$0] } }
        return policy.decide(scores, among: candidates, question: request.question)
    }
}

/// Makes a choice of estimated qualities.
public enum RoutingPolicy: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The highest quality; ties go to the candidate that was declared first.
    case best
    /// The highest quality less what an answer costs; see ``CostTradeoff``.
    case costAware(CostTradeoff)
    /// The strong candidate if it is estimated to gain at least a threshold over the weak one.
    case threshold(weak: String, strong: String, gain: Double)

    /// The rule in a few words, as it stands in decisions.
    public var description: String {
        switch self {
        case .best: "highest estimated quality"
        case .costAware(let tradeoff):
            "highest estimated quality less \(tradeoff.weight) times the cost"
                + (tradeoff.dearShare > 0 ? ", \(Self.text(tradeoff.dearShare)) of ties to the dearer" : "")
        case .threshold(let weak, let strong, let gain): "\(strong) if it gains \(gain) over \(weak)"
        }
    }

    func decide(
        _ scores: [Double?],
        among candidates: [RouteCandidate],
        question: String
    ) -> RoutingDecision {
        let finite = scores.map { $0.flatMap { $0.isFinite ? $0 : nil } }
        func none(_ reason: String) -> RoutingDecision {
            RoutingDecision(choice: nil, scores: scores, reason: reason, rule: description)
        }
        switch self {
        case .best:
            guard let best = Self.highest(finite) else { return none("no quality was estimated") }
            return RoutingDecision(
                choice: best,
                scores: scores,
                reason:
                    "\(candidates[best].name) has the highest estimated quality, \(Self.text(finite[best]))",
                rule: description
            )
        case .costAware(let tradeoff):
            let names = candidates.map(\.name)
            guard let choice = tradeoff.choice(finite, names: names, question: question) else {
                return none("no candidate has both a price and an estimated quality")
            }
            let cost = tradeoff.costs[names[choice]] ?? 0
            return RoutingDecision(
                choice: choice,
                scores: scores,
                reason:
                    "\(names[choice]) has the highest estimated quality less \(tradeoff.weight) times its cost: "
                    + "\(Self.text(finite[choice])) at \(cost)",
                rule: description,
                costs: names.map { tradeoff.costs[$0] }
            )
        case .threshold(let weak, let strong, let gain):
            guard let low = candidates.firstIndex(where: { $0.name == weak }), let a = finite[low],
                let high = candidates.firstIndex(where: { $0.name == strong }), let b = finite[high]
            else { return none("“\(weak)” and “\(strong)” are not both estimated candidates") }
            let isStrong = b - a >= gain
            return RoutingDecision(
                choice: isStrong ? high : low,
                scores: scores,
                threshold: gain,
                reason: "\(strong) is estimated to gain \(Self.text(b - a)), "
                    + (isStrong ? "at least \(gain)" : "less than \(gain)"),
                rule: description
            )
        }
    }

    private static func highest(_ scores: [Double?]) -> Int? {
        var best: Int?
        for (place, score) in scores.enumerated() {
            guard let score else { continue }
            if best.flatMap({ scores[$0] }).map({ score > $0 }) ?? true { best = place }
        }
        return best
    }

    private static func text(_ value: Double?) -> String {
        value.map { String(($0 * 1000).rounded() / 1000) } ?? "unknown"
    }
}
