/// Asks a model which candidate should answer, and reads its answer strictly.
///
/// The answer must be a candidate's name, or name exactly one of them as a whole word. Anything else is unparsed and
/// chooses none: numbers and fragments within words are never taken for a choice.
public struct PromptedRouter: Router {
    /// What to call the router in traces.
    public var name: String { "prompted \(model.name)" }
    /// One call a decision.
    public var callRange: ClosedRange<Int> { 1...1 }
    private let model: any TextModel
    private let prompt: @Sendable (Request, [RouteCandidate]) -> Request

    /// Makes a router.
    ///
    /// - Parameters:
    ///   - model: who is asked.
    ///   - prompt: how it is asked; it must ask for a candidate's name.
    public init(
        _ model: any TextModel,
        prompt: @escaping @Sendable (Request, [RouteCandidate]) -> Request = PromptedRouter.standardPrompt
    ) {
        self.model = model
        self.prompt = prompt
    }

    /// Lists the candidates with their purposes and asks for one name.
    @Sendable public static func standardPrompt(_ request: Request, _ candidates: [RouteCandidate]) -> Request
    {
        let list = candidates.map { $0.purpose.isEmpty ? "- \($0.name)" : "- \($0.name): \($0.purpose)" }
        return Request(
            """
            Which team should answer the question? The teams are:
            \(list.joined(separator: "\n"))

            Question: \(request.question)

            Reply with the team's name and nothing else.
            """,
            options: GenerationOptions(maximumTokens: 32)
        )
    }

    /// Asks the model.
    public func route(
        _ request: Request,
        among candidates: [RouteCandidate]
    ) async throws(CollabError) -> RoutingDecision {
        let response = try await model.respond(to: prompt(request, candidates))
        let unscored = [Double?](repeating: nil, count: candidates.count)
        let answer = AnswerFormat.label(candidates.map(\.name)).answer(in: response.text)
        guard let name = answer.value, let index = candidates.firstIndex(where: { $0.name == name }) else {
            let quoted = response.text.prefix(80)
            return RoutingDecision(
                choice: nil,
                scores: unscored,
                reason: "the answer of \(model.name) names no single candidate: “\(quoted)”"
            )
        }
        return RoutingDecision(choice: index, scores: unscored, reason: "\(model.name) answered “\(name)”")
    }
}

extension Router where Self == PromptedRouter {
    /// Asks a model which candidate should answer; see ``PromptedRouter``.
    public static func prompted(_ model: any TextModel) -> PromptedRouter { PromptedRouter(model) }
}
