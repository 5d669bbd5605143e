/// Members propose answers side by side, and one of them writes the final answer from all proposals.
///
/// With more than one layer, the proposers see the proposals of the layer before and propose again (“Mixture-of-Agents”,
/// Wang et al. 2024). The aggregator's answer is streamed. Proposers may be the same model several times: each is
/// asked for a sample of its own, since quality often counts more than diversity (“Self-MoA”, Li et al. 2025).
///
/// - As a stage, `Mixture(aggregator: .last)` works with the pipeline's team; drafts of its members are taken over as
///   the first proposals, and the answer settles the question.
/// - As a model, `Mixture(aggregator: large) { a; b; c }` has proposers of its own.
public struct Mixture<With: Participants>: Sendable {
    /// What to call the mixture in traces.
    public var name: String
    /// How often the proposers propose.
    public var layers: Int
    /// How members are asked.
    public var prompts: MixturePrompts
    /// How many proposers must answer.
    public var quorum: Quorum
    let participants: With
    let aggregator: Aggregator

    /// Who writes the final answer.
    enum Aggregator: Sendable {
        case member(MixtureAggregator)
        case model(any TextModel)
    }

    /// One call a proposer and layer, and one for the final answer; drafts of earlier stages may spare proposals.
    public func callRange(teamSize: Int) -> ClosedRange<Int> { 1...(callCount(teamSize, max(layers, 1)) + 1) }

    private func rules() throws(CollabError) -> DebateRules {
        if layers < 1 {
            throw CollabError(
                .invalidRequest,
                "A mixture of \(layers) layers has no proposals; take 1 or more."
            )
        }
        let prompts = prompts
        return DebateRules(
            rounds: layers - 1,
            until: .never,
            visibility: .previousRound,
            quorum: quorum,
            prompts: DebatePrompts { view in
                let own = view.own.map { [$0.text] } ?? []
                return prompts.synthesis(view.request, own + view.others.map(\.example.text))
            }
        )
    }

    fileprivate func session(_ models: [any TextModel], _ request: Request) throws(CollabError)
        -> DebateSession
    {
        try DebateSession(rules: try rules(), models: models, request: request)
    }

    /// Lets the aggregator write the final answer from the latest proposals.
    fileprivate func aggregate(
        _ session: DebateSession,
        by model: any TextModel,
        into sink: ResponseSink
    ) async throws(CollabError) -> Response {
        let proposals = session.table.latest.map(\.text)
        Run.note("proposals", proposals.count)
        return try await model.respond(to: prompts.synthesis(session.request, proposals), into: sink)
    }
}

/// Which member of the pipeline's team writes the final answer of a ``Mixture``.
public enum MixtureAggregator: Hashable, Sendable, Codable {
    /// The member that was declared first.
    case first
    /// The member that was declared last: the strongest one of a team in the order of a cascade.
    case last
    /// The member of that name.
    case named(String)
}

/// How the members of a ``Mixture`` are asked.
public struct MixturePrompts: Sendable {
    /// The request to write an answer from proposals.
    public var synthesis: @Sendable (_ request: Request, _ proposals: [String]) -> Request

    /// Makes prompts.
    public init(synthesis: @escaping @Sendable (_ request: Request, _ proposals: [String]) -> Request) {
        self.synthesis = synthesis
    }

    /// Standing instructions with the numbered proposals, then the request as it was.
    public static let standard = standard(in: .english)

    /// The standard prompts in some language.
    public static func standard(in wording: Wording) -> MixturePrompts {
        standard(
            instruction: wording(
                "Below are several answers to the question that follows. Some may be wrong. Do not copy one: weigh them and "
                    + "write a single correct, complete answer of your own."
            )
        )
    }

    /// Standing instructions with the numbered proposals, then the request as it was.
    public static func standard(instruction: String) -> MixturePrompts {
        MixturePrompts { request, proposals in
            let list = proposals.enumerated().map { "\($0 + 1). \($1.trimmed)" }.joined(separator: "\n")
            let instructions = "\(instruction)\n\n\(list)"
            guard case .completion(let text) = request.input else {
                return request.prependingSystem(instructions)
            }
            var request = request
            request.input = .completion("\(instructions)\n\n\(text)")
            return request
        }
    }
}

extension Mixture where With == CurrentTeam {
    /// Makes a stage that works with the pipeline's team.
    public init(
        layers: Int = 1,
        aggregator: MixtureAggregator = .last,
        quorum: Quorum = .majority,
        prompts: MixturePrompts = .standard
    ) {
        self.init(
            name: "mixture",
            layers: layers,
            prompts: prompts,
            quorum: quorum,
            participants: CurrentTeam(),
            aggregator: .member(aggregator)
        )
    }
}

extension Mixture where With == Team<TextAccess> {
    /// Makes a model with proposers of its own.
    public init<Access: AccessLevel>(
        _ name: String = "mixture",
        layers: Int = 1,
        aggregator: some TextModel,
        quorum: Quorum = .majority,
        prompts: MixturePrompts = .standard,
        @TeamBuilder proposers: () -> TeamMembers<Access>
    ) {
        self.init(
            name: name,
            layers: layers,
            prompts: prompts,
            quorum: quorum,
            participants: Team<Access>(name, members: proposers().members).asText,
            aggregator: .model(aggregator)
        )
    }

    /// One call a proposer and layer, and one for the final answer.
    public var callRange: ClosedRange<Int> {
        let count = participants.members.count
        return (count + 1)...(callCount(count, max(layers, 1)) + 1)
    }
}

extension Mixture: Stage where With == CurrentTeam {
    /// Collects the proposals and lets the aggregator write the answer, which settles the question.
    public func advance<Access: AccessLevel>(
        _ deliberation: inout Deliberation<Access>
    ) async throws(CollabError) {
        try deliberation.team.validate()
        let writer = try aggregatingMember(of: deliberation.team.textModels)
        var session = try session(deliberation.team.textModels, deliberation.request)
        let failure = await session.talk(for: &deliberation, origin: name)
        if let surest = session.surest { deliberation.leading = Draft(surest, origin: name) }
        if let failure { throw failure }
        let answer = try await aggregate(session, by: writer, into: deliberation.sink)
        deliberation.settle(onStreamed: answer)
    }

    private func aggregatingMember(of models: [any TextModel]) throws(CollabError) -> any TextModel {
        let found: (any TextModel)? =
            switch aggregator {
            case .member(.first): models.first
            case .member(.last): models.last
            case .member(.named(let name)): models.first { $0.name == name }
            case .model(let model): model
            }
        guard let found else {
            let names = models.map(\.name).joined(separator: ", ")
            throw CollabError(
                .invalidRequest,
                "The mixture's aggregator is not in the team, whose members are \(names)."
            )
        }
        return found
    }
}

extension Mixture: TextModel, Collaboration where With == Team<TextAccess> {
    /// What the proposers and the aggregator have in common.
    public var profile: ModelProfile {
        guard case .model(let writer) = aggregator else { return ModelProfile(of: participants.textModels) }
        return ModelProfile(of: participants.textModels + [writer])
    }

    /// Collects the proposals and streams the aggregator's answer; if the budget runs out before it, the surest
    /// proposal is the answer.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try participants.validate()
        guard case .model(let writer) = aggregator else {
            throw CollabError(.invalidRequest, "The mixture “\(name)” has no aggregator.")
        }
        var session = try session(participants.textModels, request)
        let output = CountingSink(sink)
        do throws(CollabError) {
            try await session.hold(reusing: [])
            return try await aggregate(session, by: writer, into: output.entrance)
        } catch {
            guard error.code == .budgetExhausted, output.isEmpty, let best = session.surest else {
                throw error
            }
            Run.note("budget", error.message)
            var response = best.response
            response.ending = .budgetExhausted
            await output.entrance.send(response.text)
            return response
        }
    }
}
