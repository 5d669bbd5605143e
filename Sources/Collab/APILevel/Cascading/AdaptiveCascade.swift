/// Asks, at each step, the member that is worth its price, given the question and the answers so far; stops when nobody
/// is. See ``CascadeRouting``.
public struct AdaptiveCascade: Collaboration {
    /// What is expected of each member's answer to a request, in the order of the members.
    public typealias Expectation = @Sendable (_ request: Request) async throws -> [QualityEstimate]

    /// What to call it in traces.
    public let name: String
    /// How it is decided.
    public let rule: CascadeRouting
    /// What an answer of each member costs, in their order and in the unit of the rule.
    public let costs: [Double]
    /// How good an answer is held to be once it is there; what cannot be measured leaves the expectation as it was.
    public let signal: ConfidenceSignal
    private let expectation: Expectation
    private let members: [any TextModel]

    /// Makes an adaptive cascade.
    ///
    /// - Parameters:
    ///   - name: what to call it in traces.
    ///   - rule: how much quality a unit of cost must bring.
    ///   - costs: what an answer of each member costs, in their order.
    ///   - signal: how good an answer is held to be; calibrate it, so that it can be compared with the expectations.
    ///   - expectation: what is expected of each member, in their order: a router's scores, say.
    ///   - members: who may be asked.
    public init<Access: AccessLevel>(
        _ name: String = "adaptive cascade",
        rule: CascadeRouting,
        costs: [Double],
        signal: ConfidenceSignal = .meanTokenProbability,
        expecting expectation: @escaping Expectation,
        @TeamBuilder members: () -> TeamMembers<Access>
    ) {
        self.name = name
        self.rule = rule
        self.costs = costs
        self.signal = signal
        self.expectation = expectation
        self.members = members().members.map(Access.textModel)
    }

    /// What the members have in common.
    public var profile: ModelProfile { ModelProfile(of: members + signal.models) }

    /// One call at least, one a member at most, and what measuring makes.
    public var callRange: ClosedRange<Int> {
        members.isEmpty ? 0...0 : 1...(members.count * (1 + signal.callRange.upperBound))
    }

    /// Asks until nobody is worth its price, or the budget is spent: then the best answer so far is given. A member that
    /// fails is left out.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        var estimates = try await estimates(for: request)
        var (asked, failed): (Set<Int>, Set<Int>) = ([], [])
        var responses: [Int: Response] = [:]
        var drafts: [Draft] = []
        var story: [String] = []
        var failure: CollabError?
        let seats = seats(for: members)
        func decide(on place: Int) {
            let scores = seats.map { seat in
                let price = PriceEstimate(ofAnswerBy: [seat.model.profile], to: request)
                return Decision.Score(
                    seat.name,
                    estimates[seat.index].mean,
                    cost: costs[seat.index],
                    price: price
                )
            }
            Run.record(
                Decision(
                    choice: seats[place].name,
                    reason: story.joined(separator: "; "),
                    scores: scores,
                    asked: seats[place].name,
                    rule: "the expected best answer less \(rule.costWeight) times its cost"
                )
            )
        }
        while true {
            var prices = costs
            // Whoever has failed is worth no price.
            for place in failed { (estimates[place], prices[place]) = (QualityEstimate(-1e9), 1e9) }
            let open = members.indices.contains { !failed.contains($0) && !asked.contains($0) }
            guard open || !asked.isEmpty, let step = rule.next(estimates, costs: prices, asked: asked) else {
                throw failure
                    ?? CollabError(.emptyTeam, "\(name) has no members; give it at least one model.")
            }
            switch step {
            case .answer(let place):
                guard let response = responses[place] else { throw failure ?? .cancelled }
                story.append("nobody else is worth the price")
                decide(on: place)
                await sink.send(response.text)
                return response
            case .ask(let place):
                let seat = seats[place]
                if failed.contains(place) { throw failure ?? .cancelled }
                var wanted = seat.addressed(request)
                wanted.options.alternatives = max(wanted.options.alternatives, signal.alternatives)
                do throws(CollabError) {
                    let response = try await seat.model.respond(to: wanted)
                    responses[place] = response
                    let evidence = ConfidenceSignal.Evidence(
                        request: wanted,
                        response: response,
                        model: seat.model,
                        earlier: drafts
                    )
                    let measured = try await signal.measureIfPossible(evidence)
                    estimates[place] = QualityEstimate(measured ?? estimates[place].mean)
                    asked.insert(place)
                    drafts.append(
                        Draft(author: seat.name, response: response, confidence: measured, origin: name)
                    )
                    let said = measured.map { "\($0.rounded(toPlaces: 3))" } ?? "not measured"
                    story.append("\(seat.name): \(said)")
                } catch {
                    if error.code == .budgetExhausted,
                        let best = responses.max(by: { estimates[$0.key].mean < estimates[$1.key].mean })
                    {
                        // What is there and paid for is better than nothing.
                        Run.note("budget", error.message)
                        story.append("\(seat.name): the budget is spent")
                        decide(on: best.key)
                        var response = best.value
                        response.ending = .budgetExhausted
                        await sink.send(response.text)
                        return response
                    }
                    guard error.isSurvivable else { throw error.within(seat.name) }
                    failure = error.within(seat.name)
                    failed.insert(place)
                    story.append("\(seat.name): failed (\(error.code))")
                }
            }
        }
    }

    private func estimates(for request: Request) async throws(CollabError) -> [QualityEstimate] {
        let estimates: [QualityEstimate]
        do { estimates = try await expectation(request) } catch {
            throw CollabError(wrapping: error, "The expectation of \(name) failed.")
        }
        guard estimates.count == members.count, costs.count == members.count,
            estimates.allSatisfy({ $0.mean.isFinite && $0.deviation.isFinite }), costs.allSatisfy(\.isFinite)
        else {
            throw CollabError(
                .invalidRequest,
                """
                \(name) has \(members.count) members, \(costs.count) costs and \(estimates.count) expectations; give one \
                finite of each a member.
                """
            )
        }
        return estimates
    }
}
