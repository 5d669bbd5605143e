/// A team and the stages it goes through: a collaboration that answers like a model.
///
/// ```swift
/// let team = Pipeline {
///     Route(by: domain) {
///         Team("arithmetic") { small; mathExpert }
///         Team("facts") { small; large }
///     }
///     Cascade(until: .confidence(above: 0.8))
///     Debate(rounds: 2)
///     FuseLogits(.productOfExperts)
/// }
/// let answer = try await team.respond(to: "What is 17 + 25?")
/// ```
///
/// A request enters with a team; each stage advances it until one settles the answer. If none does, the best draft
/// is the answer; without any draft the first member answers alone. If the run's budget is exhausted on the way, the
/// best draft is returned with the ending ``Response/Ending/budgetExhausted``.
public struct Pipeline<Access: AccessLevel>: Collaboration {
    /// What to call the pipeline in traces.
    public var name: String
    let plan: PipelinePlan<Access>

    /// Makes a pipeline.
    public init(_ name: String = "pipeline", @PipelineBuilder _ plan: () -> PipelinePlan<Access>) {
        self.name = name
        self.plan = plan()
    }

    init(name: String, plan: PipelinePlan<Access>) {
        self.name = name
        self.plan = plan
    }

    /// Answers a request: chooses the team, then goes through the stages.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let team = try await chooseTeam(for: request)
        try team.validate()
        try checkSteps(plan.steps, with: team)
        let output = CountingSink(sink)
        var deliberation = Deliberation(request: request, team: team, sink: output.entrance)
        do throws(CollabError) {
            for step in plan.steps where !deliberation.isSettled {
                try await step.advance(&deliberation)
            }
        } catch {
            guard error.code == .budgetExhausted else { throw error }
            guard output.isEmpty else {
                // What has been streamed cannot be taken back: it is the answer.
                Run.note("budget", error.message)
                return Response(text: output.text, model: name, ending: .budgetExhausted)
            }
            guard var best = deliberation.bestDraft?.response else { throw error }
            Run.note("budget", error.message)
            best.ending = .budgetExhausted
            await deliberation.settle(on: best)
        }
        if let answer = deliberation.answer { return answer }
        if let draft = deliberation.bestDraft {
            Run.note("settled by", "no stage; the best draft, by \(draft.author)")
            await deliberation.settle(on: draft.response)
            return draft.response
        }
        // A stage may have replaced the team.
        try deliberation.team.validate()
        return try await Access.textModel(deliberation.team.members[0]).respond(to: request, into: sink)
    }

    private func chooseTeam(for request: Request) async throws(CollabError) -> Team<Access> {
        guard let name = plan.source.traceName else { return try await plan.source.team(for: request) }
        var chosen: Team<Access>?
        try await Run.stage(name) { () async throws(CollabError) in
            chosen = try await plan.source.team(for: request)
        }
        guard let chosen else { throw CollabError(.emptyTeam, "\(name) chose no team.") }
        return chosen
    }
}

extension Pipeline {
    /// What a pipeline will do, known before it runs.
    public struct Forecast: Hashable, Sendable {
        /// A stage and its calls.
        public struct Step: Hashable, Sendable {
            /// The stage.
            public var name: String
            /// The least and most calls that it makes.
            public var calls: ClosedRange<Int>
        }

        /// The route, if there is one, and the stages, in order.
        public var steps: [Step]
        /// The least and most calls of the whole pipeline.
        public var calls: ClosedRange<Int>
    }

    /// How many calls each stage and the whole pipeline make at least and at most; nothing is called.
    public func forecast() -> Forecast {
        let sizes = plan.source.teamSizes
        var steps =
            plan.source.traceName.map { [Forecast.Step(name: $0, calls: plan.source.callRange)] } ?? []
        for step in plan.steps {
            let (low, high) = (
                step.callRange(teamSize: sizes.lowerBound), step.callRange(teamSize: sizes.upperBound)
            )
            steps.append(
                Forecast.Step(
                    name: step.name,
                    calls: min(low.lowerBound, high.lowerBound)...max(low.upperBound, high.upperBound)
                )
            )
        }
        guard !plan.steps.isEmpty else {
            return Forecast(
                steps: steps,
                calls: (plan.source.callRange.lowerBound + 1)...(plan.source.callRange.upperBound + 1)
            )
        }
        let routing = plan.source.callRange
        let total = totalCallRange(steps.dropFirst(plan.source.traceName == nil ? 0 : 1).map(\.calls))
        return Forecast(
            steps: steps,
            calls: (routing.lowerBound + total.lowerBound)...(routing.upperBound + total.upperBound)
        )
    }
}
