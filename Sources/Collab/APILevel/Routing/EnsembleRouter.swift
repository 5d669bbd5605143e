/// Several routers that choose together.
///
/// All of them look at a request at once. One that fails is left out, and the reason says so; if all fail, the first
/// failure is thrown.
///
/// ```swift
/// let router = EnsembleRouter(.mean, tie: .firstRouter, [.examples(examples), learned])
/// ```
public struct EnsembleRouter: Router {
    /// How several decisions become one.
    public enum Rule: Hashable, Sendable, Codable {
        /// The highest weighted mean of the scores. A router that measures no scores counts as if it gave 1 to its choice
        /// and 0 to the others; a candidate that some did not score gets the mean of the others.
        case mean
        /// The choice of most, by weight; choosing none is a vote as well.
        case vote
    }

    /// What decides where the highest mean or the most votes are shared.
    public enum Tie: String, Hashable, Sendable, Codable, CaseIterable {
        /// The candidate that was declared first.
        case firstCandidate
        /// The router that was declared first among those that chose one of the tied.
        case firstRouter
        /// Nobody: none is chosen.
        case none
    }

    /// A router and how much it counts.
    public struct Member: Sendable {
        /// Who decides.
        public let router: any Router
        /// How much it counts.
        public let weight: Double

        /// Makes a member.
        public init(_ router: any Router, weight: Double = 1) {
            self.router = router
            self.weight = weight
        }
    }

    /// How several decisions become one.
    public let rule: Rule
    /// What decides between equals.
    public let tie: Tie
    /// The routers.
    public let members: [Member]

    /// Makes an ensemble of routers that count alike.
    public init(_ rule: Rule, tie: Tie = .firstCandidate, _ routers: [any Router]) {
        self.init(rule, tie: tie, members: routers.map { Member($0) })
    }

    /// Makes an ensemble of routers that count as their weights say.
    public init(_ rule: Rule, tie: Tie = .firstCandidate, members: [Member]) {
        self.rule = rule
        self.tie = tie
        self.members = members
    }

    /// What to call the router in traces.
    public var name: String { "ensemble of \(members.map(\.router.name).joined(separator: ", "))" }

    /// The calls of all.
    public var callRange: ClosedRange<Int> {
        members.reduce(0...0) {
            let range = $1.router.callRange
            return $0.lowerBound + range.lowerBound...$0.upperBound + range.upperBound
        }
    }

    /// Asks all routers and puts their decisions together.
    ///
    /// Throws ``CollabError`` with `invalidRequest` if there are no routers or a weight is not above 0, and what the first
    /// router threw if all failed.
    public func route(
        _ request: Request,
        among candidates: [RouteCandidate]
    ) async throws(CollabError) -> RoutingDecision {
        guard !members.isEmpty, members.allSatisfy({ $0.weight > 0 && $0.weight.isFinite }) else {
            throw CollabError(.invalidRequest, "An ensemble needs routers with weights above 0.")
        }
        let outcomes = await concurrentOutcomes(members.map(\.router), cancellingOnFailure: false) {
            (router) async throws(CollabError) in
            try await router.route(request, among: candidates)
        }
        var decisions: [(decision: RoutingDecision, weight: Double)] = []
        var failures: [(name: String, error: CollabError)] = []
        for (member, outcome) in zip(members, outcomes) {
            switch outcome {
            case .success(let decision):
                guard decision.scores.count == candidates.count,
                    decision.choice.map({ candidates.indices.contains($0) }) ?? true
                else {
                    let what = "\(member.router.name) decided about other candidates than it was given."
                    failures.append((member.router.name, CollabError(.invalidRequest, what)))
                    continue
                }
                decisions.append((decision, member.weight))
            case .failure(let error):
                guard error.isSurvivable else { throw error }
                failures.append((member.router.name, error))
            }
        }
        if decisions.isEmpty, let first = failures.first { throw first.error.within(first.name) }
        var decision = rule == .mean ? mean(of: decisions, candidates) : vote(of: decisions, candidates)
        for failure in failures { decision.reason += "; \(failure.name) failed (\(failure.error.code))" }
        return decision
    }

    private typealias Weighted = (decision: RoutingDecision, weight: Double)

    private func mean(of decisions: [Weighted], _ candidates: [RouteCandidate]) -> RoutingDecision {
        let scores = candidates.indices.map { place -> Double? in
            var (sum, weight) = (0.0, 0.0)
            for (decision, share) in decisions {
                let isUnscored = decision.scores.allSatisfy { $0 == nil } && decision.choice != nil
                let score = isUnscored ? (decision.choice == place ? 1 : 0) : decision.scores[place]
                guard let score, score.isFinite else { continue }
                sum += share * score
                weight += share
            }
            return weight > 0 ? sum / weight : nil
        }
        guard let highest = scores.compactMap({ $0 }).max() else {
            return RoutingDecision(choice: nil, scores: scores, reason: "no router scored a candidate")
        }
        // Sums of binary fractions in another order may miss each other by a little.
        let tied = scores.indices.filter { scores[$0].map { $0 >= highest - 1e-12 } ?? false }
        let what = "the highest mean score, \(highest.rounded(toPlaces: 3))"
        return choose(among: tied.map { $0 }, decisions, candidates, scores, what)
    }

    private func vote(of decisions: [Weighted], _ candidates: [RouteCandidate]) -> RoutingDecision {
        let total = decisions.reduce(0) { $0 + $1.weight }
        func votes(_ place: Int?) -> Double {
            decisions.reduce(0) { $1.decision.choice == place ? $0 + $1.weight : $0 }
        }
        let scores = candidates.indices.map { Optional(votes($0) / total) }
        let places = candidates.indices.map { Optional($0) } + [nil]
        let most = places.map { votes($0) }.max() ?? 0
        let tied = places.filter { votes($0) >= most - 1e-12 * total }
        let what = "\((most / total).rounded(toPlaces: 3)) of the votes"
        return choose(among: tied, decisions, candidates, scores, what)
    }

    /// One of equals, by the rule for ties.
    private func choose(
        among tied: [Int?],
        _ decisions: [Weighted],
        _ candidates: [RouteCandidate],
        _ scores: [Double?],
        _ what: String
    ) -> RoutingDecision {
        func name(_ place: Int?) -> String { place.map { candidates[$0].name } ?? "none" }
        func decided(_ choice: Int?, _ reason: String) -> RoutingDecision {
            RoutingDecision(choice: choice, scores: scores, reason: reason)
        }
        guard tied.count > 1 else {
            let only = tied.first ?? nil
            return decided(only, "\(name(only)) has \(what)")
        }
        let names = tied.map(name).joined(separator: " and ")
        switch tie {
        case .none: return decided(nil, "\(names) share \(what), and nobody decides between equals")
        case .firstCandidate:
            let first = tied.first ?? nil
            return decided(first, "\(names) share \(what); \(name(first)) was declared first")
        case .firstRouter:
            let chosen = decisions.map(\.decision.choice).first { tied.contains($0) } ?? tied.first ?? nil
            return decided(chosen, "\(names) share \(what); the first router chose \(name(chosen))")
        }
    }
}
