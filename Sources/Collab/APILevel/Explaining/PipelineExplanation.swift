/// What a pipeline would do with a request, without asking any model.
public struct PipelineExplanation: Hashable, Sendable, Codable, CustomStringConvertible {
    /// A stage and its calls.
    public struct Step: Hashable, Sendable, Codable {
        /// The stage.
        public var name: String
        /// The least calls that it makes.
        public var fewestCalls: Int
        /// The most calls that it makes.
        public var mostCalls: Int
    }

    /// What the route decides, with the scores of all candidates; `nil` if there is no route, or if it would have to ask
    /// a model.
    public var decision: Decision?
    /// The members of the team; empty if it is not known without asking a model.
    public var members: [String]
    /// The route, if there is one, and the stages, in order.
    public var steps: [Step]
    /// The least and most calls of the whole.
    public var calls: ClosedRange<Int>
    /// What it costs at least and at most, as far as that can be told.
    public var price: PriceEstimate
    /// What could not be told, in sentences.
    public var remarks: [String]

    /// The explanation as plain text.
    public var description: String {
        var lines: [String] = []
        if let decision {
            lines.append("→ \(decision.choice)  \(decision.reason)")
            let scores = decision.scores.map { score in
                let value = score.value.map { "\($0.rounded(toPlaces: 3))" } ?? "–"
                return "\(score.candidate) \(value)\(score.costs)"
            }
            let threshold = decision.threshold.map { "  (threshold \($0))" } ?? ""
            if !scores.isEmpty { lines.append("  " + scores.joined(separator: " · ") + threshold) }
        }
        if !members.isEmpty { lines.append("team: \(members.joined(separator: ", "))") }
        for step in steps { lines.append("\(step.name): \(step.fewestCalls)…\(step.mostCalls) calls") }
        lines.append("\(calls.lowerBound)…\(calls.upperBound) calls, \(price)")
        return (lines + remarks).joined(separator: "\n")
    }
}

/// Between which amounts something will cost.
public struct PriceEstimate: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The least that it costs.
    public var least: Money
    /// The most that it costs; `nil` if nothing bounds it: a member has no known price, or an answer no limit.
    public var most: Money?

    /// Makes an estimate.
    public init(least: Money, most: Money?) {
        self.least = least
        self.most = most
    }

    /// The amounts.
    public var description: String {
        most.map { $0 == least ? "\(least)" : "\(least) to \($0)" } ?? "at least \(least)"
    }
}

extension PriceEstimate {
    /// Between which amounts some calls to some members cost.
    ///
    /// A prompt has at least one token for every eight bytes of the request, and at most one a byte; later calls may be
    /// shown all earlier answers. An answer has at least one token, and at most as many as the request allows; models
    /// that think before they answer may write more than a server counts against the limit. Standing instructions of
    /// members and stages come on top.
    init(
        of calls: ClosedRange<Int>,
        to profiles: [ModelProfile],
        for request: Request
    ) {
        let bytes = request.messages.reduce(0) { $0 + $1.text.utf8.count }
        let prices = profiles.compactMap { $0.price ?? ($0.isLocal ? .free : nil) }
        func cost(_ price: Price, _ prompt: Int, _ completion: Int) -> Double {
            price.cost(of: Usage(promptTokens: prompt, completionTokens: completion)).units
        }
        let least =
            prices.count < profiles.count
            ? 0 : prices.map { cost($0.withSameRates(min), (bytes + 7) / 8, 1) }.min() ?? 0
        self.least = Money(least * Double(calls.lowerBound))
        guard prices.count == profiles.count else {
            most = nil
            return
        }
        let isFree = prices.allSatisfy { $0 == .free }
        // No model writes more than 2⁴⁰ tokens, and their sum still counts.
        guard let limit = (request.options.maximumTokens ?? (isFree ? 0 : nil)).map({ min($0, 1 << 40) })
        else {
            most = nil
            return
        }
        var sum = 0.0
        for call in 0..<min(calls.upperBound, 10_000) {
            sum += prices.map { cost($0.withSameRates(max), bytes + call * limit * 4, limit) }.max() ?? 0
        }
        most = calls.upperBound <= 10_000 ? Money(sum) : nil
    }
}

extension PriceEstimate {
    /// Between which amounts one answer of one of some members costs; `nil` if nobody has told the price of any.
    init?(ofAnswerBy profiles: [ModelProfile], to request: Request) {
        guard profiles.contains(where: { $0.price != nil || $0.isLocal }) else { return nil }
        self.init(of: 1...1, to: profiles, for: request)
    }
}

extension Decision.Score {
    /// What the candidate was expected to cost, as it reads behind its score; empty if nothing is known or to be paid.
    var costs: String {
        let weighed = cost.map { " at \($0.rounded(toPlaces: 6))" } ?? ""
        guard let price, price.least > .zero || (price.most ?? .zero) > .zero else { return weighed }
        return weighed + " (\(price))"
    }
}

extension Price {
    /// The least or the greatest that a token may cost, whether it is cached or thought, as its only rates.
    fileprivate func withSameRates(_ choose: (Double, Double) -> Double) -> Price {
        let prompt = choose(cachedPerMillion ?? promptPerMillion, cacheWritePerMillion ?? promptPerMillion)
        return Price(
            promptPerMillion: choose(prompt, promptPerMillion),
            completionPerMillion: choose(
                reasoningPerMillion ?? completionPerMillion,
                completionPerMillion
            )
        )
    }
}

extension Pipeline {
    /// What the pipeline would do with a request: the route with the scores of all candidates, the team, the calls of
    /// each stage, and what it costs. No model is asked; a route that would have to ask one says so.
    ///
    /// Throws what the route throws, and ``CollabError/Code/emptyTeam`` for a team without members.
    public func explain(_ request: Request) async throws(CollabError) -> PipelineExplanation {
        let forecast = forecast()
        var remarks: [String] = []
        let preview = try await plan.source.preview(request)
        var profiles: [ModelProfile] = []
        var members: [String] = []
        var calls = forecast.calls
        if let team = preview.team {
            try team.validate()
            try checkSteps(plan.steps, with: team)
            members = seats(for: team.textModels).map(\.name)
            profiles = team.textModels.map(\.profile)
            calls = callRange(of: team.members.count)
            for (name, profile) in zip(members, profiles) where profile.price == nil && !profile.isLocal {
                remarks.append("The price of \(name) is not known.")
            }
        } else {
            remarks.append("Which team is chosen is not known without asking a model.")
        }
        if plan.steps.contains(where: \.replacesTeam) { remarks.append("A stage may change the team.") }
        if request.options.maximumTokens == nil {
            remarks.append("The request does not limit the length of the answer.")
        }
        return PipelineExplanation(
            decision: preview.decision,
            members: members,
            steps: forecast.steps.map {
                .init(name: $0.name, fewestCalls: $0.calls.lowerBound, mostCalls: $0.calls.upperBound)
            },
            calls: calls,
            price: profiles.isEmpty
                ? PriceEstimate(least: .zero, most: nil)
                : PriceEstimate(of: calls, to: profiles, for: request),
            remarks: remarks
        )
    }

    /// The least and most calls with a team of so many members.
    private func callRange(of size: Int) -> ClosedRange<Int> {
        let routing = plan.source.callRange
        let total =
            plan.steps.isEmpty ? 1...1 : totalCallRange(plan.steps.map { $0.callRange(teamSize: size) })
        return (routing.lowerBound + total.lowerBound)...(routing.upperBound + total.upperBound)
    }
}
