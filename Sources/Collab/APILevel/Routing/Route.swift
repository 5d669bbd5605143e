/// Chooses, for each request, the team that works on it.
///
/// ```swift
/// Route(by: .examples(["arithmetic": ["What is 3 + 4?"], "facts": ["Who wrote Faust?"]])) {
///     Team("arithmetic") { small; mathExpert }
///     Team("facts") { small; large }
/// }
/// ```
///
/// At the head of a ``Pipeline`` it gives the pipeline its team; as a model of its own it answers with the chosen
/// team's first member. The decision is recorded with the scores of all teams. Where the router chooses none, or
/// fails, ``Otherwise`` says what follows, and the trace says that it did.
public struct Route<Access: AccessLevel>: TeamSource {
    /// What follows when the router chooses none.
    public enum Otherwise: Hashable, Sendable {
        /// The team that was declared first.
        case firstTeam
        /// The team of that name.
        case team(String)
        /// An error, ``CollabError/Code/unparsed``.
        case refuse
    }

    /// What to call the route in traces.
    public var name: String
    /// Who chooses.
    public let router: any Router
    /// What follows when the router chooses none.
    public let otherwise: Otherwise
    /// The teams, in declaration order.
    public let teams: [Team<Access>]

    /// Makes a route; its access level is the weakest of its teams.
    public init(
        by router: some Router,
        otherwise: Otherwise = .firstTeam,
        @RouteBuilder teams: () -> RouteTeams<Access>
    ) {
        self.name = "route by \(router.name)"
        self.router = router
        self.otherwise = otherwise
        self.teams = teams().teams
    }

    /// Makes a route whose team a closure chooses: it returns a team's name, or `nil` for none.
    public init(
        otherwise: Otherwise = .firstTeam,
        choosing choose: @escaping @Sendable (Request) async throws -> String?,
        @RouteBuilder teams: () -> RouteTeams<Access>
    ) {
        self.init(by: ClosureRouter(choose: choose), otherwise: otherwise, teams: teams)
    }

    /// The route's name.
    public var traceName: String? { name }
    /// The sizes of the smallest and the largest team.
    public var teamSizes: ClosedRange<Int> {
        let sizes = teams.map(\.members.count)
        return (sizes.min() ?? 0)...(sizes.max() ?? 0)
    }
    /// The router's calls.
    public var callRange: ClosedRange<Int> { router.callRange }

    /// What the router decides for a request, with the scores of all teams; no team is asked.
    public func explain(_ request: Request) async throws(CollabError) -> RoutingDecision {
        try validate()
        return try await router.route(
            request,
            among: teams.map { RouteCandidate(name: $0.name, purpose: $0.purpose) }
        )
    }

    /// The team for a request.
    public func team(for request: Request) async throws(CollabError) -> Team<Access> {
        var decision: RoutingDecision
        do throws(CollabError) {
            decision = try await explain(request)
        } catch {
            guard error.isPassing else { throw error }
            let unscored = [Double?](repeating: nil, count: teams.count)
            decision = RoutingDecision(
                choice: nil,
                scores: unscored,
                reason: "the router failed (\(error.code): \(error.message))"
            )
        }
        func record(_ asked: String?, _ reason: String) {
            Run.record(self.decision(decision, for: request, asking: asked, reason))
        }
        if let choice = decision.choice, teams.indices.contains(choice) {
            record(teams[choice].name, decision.reason)
            return teams[choice]
        }
        guard let fallback = fallbackTeam else {
            record(nil, decision.reason)
            throw CollabError(.unparsed, "\(name) chose no team: \(decision.reason).")
        }
        record(fallback.name, "\(decision.reason); fell back to “\(fallback.name)”")
        return fallback
    }

    /// What the router decides and the team that follows, if it asks no model for it.
    public func preview(_ request: Request) async throws(CollabError) -> (
        decision: Decision?, team: Team<Access>?
    ) {
        guard router.callRange.upperBound == 0 else { return (nil, nil) }
        let decision = try await explain(request)
        let chosen = decision.choice.flatMap { teams.indices.contains($0) ? teams[$0] : nil }
        let team = chosen ?? fallbackTeam
        let reason =
            chosen == nil && team != nil
            ? "\(decision.reason); fell back to “\(team?.name ?? "")”" : decision.reason
        return (self.decision(decision, for: request, asking: team?.name, reason), team)
    }

    /// What is recorded of a router's decision: all scores, with what an answer of each team would cost.
    private func decision(
        _ decision: RoutingDecision,
        for request: Request,
        asking asked: String?,
        _ reason: String
    ) -> Decision {
        let scores = zip(teams, decision.scores).enumerated().map { index, pair in
            let costs = decision.costs ?? []
            return Decision.Score(
                pair.0.name,
                pair.1,
                cost: costs.indices.contains(index) ? costs[index] : nil,
                price: PriceEstimate(ofAnswerBy: pair.0.textModels.map(\.profile), to: request)
            )
        }
        return Decision(
            choice: asked ?? "none",
            reason: reason,
            scores: scores,
            threshold: decision.threshold,
            asked: asked,
            rule: decision.rule ?? router.name
        )
    }

    private var fallbackTeam: Team<Access>? {
        switch otherwise {
        case .firstTeam: teams.first
        case .team(let name): teams.first { $0.name == name }
        case .refuse: nil
        }
    }

    private func validate() throws(CollabError) {
        guard !teams.isEmpty else {
            throw CollabError(.emptyTeam, "\(name) has no teams; give it at least one.")
        }
        var names: Set<String> = []
        for team in teams where !names.insert(team.name).inserted {
            throw CollabError(
                .invalidRequest,
                "\(name) has two teams called “\(team.name)”; name them apart."
            )
        }
        if case .team(let name) = otherwise, !names.contains(name) {
            throw CollabError(
                .invalidRequest,
                "The route falls back to “\(name)”, but has no team of that name."
            )
        }
    }
}

extension Route: TextModel, Collaboration {
    /// Answers with the chosen team's first member.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let team = try await team(for: request)
        try team.validate()
        return try await Access.textModel(team.members[0]).respond(to: request, into: sink)
    }
}
