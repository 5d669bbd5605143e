/// A collaboration whose decisions are kept, with what came of them, to learn from.
public struct LoggedModel<Base: TextModel>: Collaboration {
    /// What is told of an answer beside what its trace shows.
    public struct Judgement: Sendable {
        /// What sort of question it is.
        public var kind: @Sendable (Request) -> String?
        /// What a question is turned into.
        public var features: @Sendable (Request) async throws -> [Float]?
        /// How good an answer is, from 0 to 1; asked for the whole answer, and for each member's.
        public var quality: @Sendable (_ request: Request, _ text: String) async throws -> Double?
    }

    /// The model beneath.
    public let base: Base
    let recorder: any OutcomeRecorder
    let judgement: Judgement

    /// The base's name.
    public var name: String { base.name }
    /// The base's.
    public var profile: ModelProfile { base.profile }

    /// Answers as the base does, and keeps the decisions.
    ///
    /// An answer that cannot be judged or kept is given all the same; the trace says what went wrong.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let response = try await base.respond(to: request, into: sink)
        guard let context = Run.context, let node = context.node,
            let trace = context.run.trace(from: node)
        else { return response }
        do {
            // Judging may call models; that belongs to the run, not to the answer's cost.
            let outcomes = try await outcomes(in: trace, request, response)
            if !outcomes.isEmpty { try await recorder.record(outcomes) }
        } catch {
            Run.note("not logged", CollabError(wrapping: error).message)
        }
        return response
    }

    private func outcomes(
        in trace: Trace,
        _ request: Request,
        _ response: Response
    ) async throws -> [RoutingOutcome] {
        let nodes = trace.nodes.filter { !$0.decisions.isEmpty }
        if nodes.isEmpty { return [] }
        let features = try await judgement.features(request)
        let quality = try await judged(request, response.text)
        let seed = Run.current?.drawSeed("outcome") ?? 0
        let id = String(seed ^ SeededGenerator.mix(UInt64(trace.root.id)), radix: 16)
        let result = RoutingOutcome.Result(
            quality: quality,
            cost: trace.root.children.reduce(0) { $0 + $1.usage.cost.units },
            latency: trace.root.children.compactMap(\.duration).reduce(.zero, +).inSeconds,
            calls: trace.root.children.reduce(0) { $0 + $1.usage.calls }
        )
        var outcomes: [RoutingOutcome] = []
        for node in nodes {
            for decision in node.decisions {
                // What is no number was not measured, and JSON has no word for it.
                let scores = decision.scores.reduce(into: [String: Double]()) {
                    if let value = $1.value, value.isFinite { $0[$1.candidate] = value }
                }
                outcomes.append(
                    RoutingOutcome(
                        id: id,
                        request: request.withoutQuotedKeys.question,
                        kind: judgement.kind(request),
                        features: features,
                        decision: .init(
                            place: node.name,
                            choice: decision.choice,
                            reason: decision.reason,
                            threshold: decision.threshold,
                            asked: decision.asked
                        ),
                        scores: scores,
                        members: try await members(of: decision, within: node, scores, request),
                        outcome: result
                    )
                )
            }
        }
        return outcomes
    }

    /// The candidates of a decision that were asked at the place where it was taken.
    private func judged(_ request: Request, _ text: String) async throws -> Double? {
        let quality = try await judgement.quality(request, text)
        if let quality, !(0...1).contains(quality) {
            throw CollabError(.invalidRequest, "The quality \(quality) does not lie between 0 and 1.")
        }
        return quality
    }

    private func members(
        of decision: Decision,
        within node: TraceNode,
        _ scores: [String: Double],
        _ request: Request
    ) async throws -> [RoutingOutcome.Member] {
        let names = Set(decision.scores.map(\.candidate))
        var members: [RoutingOutcome.Member] = []
        for child in node.children where names.contains(child.name) {
            guard let text = child.text else { continue }
            members.append(
                RoutingOutcome.Member(
                    name: child.name,
                    confidence: scores[child.name],
                    quality: try await judged(request, text),
                    cost: child.usage.cost.units,
                    latency: child.duration?.inSeconds ?? 0
                )
            )
        }
        return members
    }
}

extension TextModel {
    /// The same model, whose decisions are kept with what came of them.
    ///
    /// - Parameters:
    ///   - recorder: where they are kept.
    ///   - kind: what sort of question it is; routing is judged by kind as well.
    ///   - features: what a question is turned into, if it is to be kept.
    ///   - quality: how good an answer is, from 0 to 1, if that can be told at once: a unit test, a known answer, a
    ///     judge. What users say later is added to the log by the outcome's id.
    public func logging(
        to recorder: some OutcomeRecorder,
        kind: @escaping @Sendable (Request) -> String? = { _ in nil },
        features: @escaping @Sendable (Request) async throws -> [Float]? = { _ in nil },
        quality: @escaping @Sendable (_ request: Request, _ text: String) async throws -> Double? = { _, _ in
            nil
        }
    ) -> LoggedModel<Self> {
        LoggedModel(
            base: self,
            recorder: recorder,
            judgement: .init(kind: kind, features: features, quality: quality)
        )
    }
}
