/// Chooses one of several candidates for a request, by a signal that it measures.
///
/// Routers score every candidate, so that a decision can be explained, logged and learned from; choosing nobody is a
/// decision too, and ``Route`` has a declared answer to it. Conform to write one of your own; a ``ClosureRouter`` wraps
/// a closure.
public protocol Router: Sendable {
    /// What to call the router in traces.
    var name: String { get }
    /// How many calls a decision makes.
    var callRange: ClosedRange<Int> { get }
    /// Chooses among candidates.
    func route(
        _ request: Request,
        among candidates: [RouteCandidate]
    ) async throws(CollabError) -> RoutingDecision
}

extension Router {
    /// Deciding makes no calls unless the router says so.
    public var callRange: ClosedRange<Int> { 0...0 }
}

/// What a router knows of a candidate.
public struct RouteCandidate: Hashable, Sendable, Codable {
    /// The candidate's name, unique among the candidates.
    public var name: String
    /// What it is for, in a few words; may be empty.
    public var purpose: String

    /// Makes a candidate.
    public init(name: String, purpose: String = "") {
        self.name = name
        self.purpose = purpose
    }
}

/// What a router decided, and why.
public struct RoutingDecision: Hashable, Sendable, Codable {
    /// The index of the chosen candidate; `nil`: none of them.
    public var choice: Int?
    /// The candidates' scores, in their order; `nil` where none was measured.
    public var scores: [Double?]
    /// What the scores were held against, if anything.
    public var threshold: Double?
    /// Why, in one sentence.
    public var reason: String
    /// By what rule; `nil`: the router's name says it.
    public var rule: String?
    /// What an answer of each candidate was expected to cost, in their order and in the router's unit; `nil` if costs were
    /// not weighed.
    public var costs: [Double?]?

    /// Makes a decision.
    public init(
        choice: Int?,
        scores: [Double?],
        threshold: Double? = nil,
        reason: String,
        rule: String? = nil,
        costs: [Double?]? = nil
    ) {
        self.choice = choice
        self.scores = scores
        self.threshold = threshold
        self.reason = reason
        self.rule = rule
        self.costs = costs
    }

    /// The highest score at or above a threshold decides; ties go to the candidate that was declared first.
    static func best(
        of scores: [Double?],
        among candidates: [RouteCandidate],
        atLeast threshold: Double? = nil,
        what: String
    ) -> RoutingDecision {
        var best: Int?
        for (index, score) in scores.enumerated() {
            guard let score, score.isFinite else { continue }
            if best.flatMap({ scores[$0] }).map({ score > $0 }) ?? true { best = index }
        }
        guard let best, let value = scores[best] else {
            return RoutingDecision(
                choice: nil,
                scores: scores,
                threshold: threshold,
                reason: "no \(what) was measured"
            )
        }
        let rounded = value.rounded(toPlaces: 3)
        if let threshold, value < threshold {
            return RoutingDecision(
                choice: nil,
                scores: scores,
                threshold: threshold,
                reason: "the highest \(what), \(rounded) for \(candidates[best].name), is below \(threshold)"
            )
        }
        return RoutingDecision(
            choice: best,
            scores: scores,
            threshold: threshold,
            reason: "\(candidates[best].name) has the highest \(what), \(rounded)"
        )
    }
}
