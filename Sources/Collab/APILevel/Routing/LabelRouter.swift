#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads from a model's own probabilities which candidate's name it would write next.
///
/// The prompt lists the candidates and the question and ends with `Team:`; each candidate's name is scored as its
/// continuation. So that long or rare names are not at a disadvantage, the score of the same name after a question
/// without content is subtracted (domain-conditional pointwise mutual information, Holtzman et al. 2021); a softmax
/// over the differences gives scores between 0 and 1. Nothing is written, so nothing needs parsing.
public struct LabelRouter: Router {
    typealias Score = @Sendable ([String], Request) async throws(CollabError) -> [Double]

    /// What to call the router in traces.
    public let name: String
    /// The score that a candidate must reach; `nil`: the highest is enough.
    public let threshold: Double?
    /// Whether names are compared with how probable they are without a question.
    public let isCalibrated: Bool
    private let model: String
    private let score: Score

    /// Two scorings a decision if calibrated, else one.
    public var callRange: ClosedRange<Int> { isCalibrated ? 2...2 : 1...1 }

    /// Makes a router from a model that scores continuations.
    public init(_ model: some TokenScoring, threshold: Double? = nil, isCalibrated: Bool = true) {
        self.init(model: model.name, threshold: threshold, isCalibrated: isCalibrated) {
            (labels, request) throws(CollabError) in
            try await model.score(labels, after: request).map(\.logprob)
        }
    }

    /// Makes a router from a model that shows its logits.
    @_disfavoredOverload
    public init(_ model: some LogitModel, threshold: Double? = nil, isCalibrated: Bool = true) {
        self.init(model: model.name, threshold: threshold, isCalibrated: isCalibrated) {
            (labels, request) throws(CollabError) in
            try await model.logprobs(of: labels, after: request)
        }
    }

    private init(model: String, threshold: Double?, isCalibrated: Bool, score: @escaping Score) {
        name = "labels by \(model)"
        self.model = model
        self.threshold = threshold
        self.isCalibrated = isCalibrated
        self.score = score
    }

    /// Scores every candidate's name.
    public func route(
        _ request: Request,
        among candidates: [RouteCandidate]
    ) async throws(CollabError) -> RoutingDecision {
        let labels = candidates.map { " " + $0.name }
        var evidence = try await measure(labels, prompt(request.question, candidates))
        if isCalibrated {
            let baseline = try await measure(labels, prompt("N/A", candidates))
            evidence = zip(evidence, baseline).map { $0 - $1 }
        }
        guard evidence.count == candidates.count, evidence.allSatisfy(\.isFinite),
            let highest = evidence.max()
        else {
            let unscored = [Double?](repeating: nil, count: candidates.count)
            return RoutingDecision(choice: nil, scores: unscored, reason: "\(model) gave no finite scores")
        }
        let shares = evidence.map { exp($0 - highest) }
        let total = shares.reduce(0, +)
        let scores = shares.map { Optional($0 / total) }
        return .best(of: scores, among: candidates, atLeast: threshold, what: "label probability")
    }

    private func measure(_ labels: [String], _ prompt: Request) async throws(CollabError) -> [Double] {
        try await Run.measure(model, prompt) { () async throws(CollabError) in
            let logprobs = try await score(labels, prompt)
            let summary = zip(labels, logprobs).map { "\($0.dropFirst()) \($1.rounded(toPlaces: 2))" }
            return (logprobs, summary.joined(separator: ", "))
        }
    }

    private func prompt(_ question: String, _ candidates: [RouteCandidate]) -> Request {
        let list = candidates.map { $0.purpose.isEmpty ? "- \($0.name)" : "- \($0.name): \($0.purpose)" }
        return .completion(
            """
            Every question is sent to one of these teams:
            \(list.joined(separator: "\n"))

            Question: \(question)
            Team:
            """
        )
    }
}

extension LogitModel {
    /// The natural log-probability of each continuation after a request's prompt.
    func logprobs(of continuations: [String], after request: Request) async throws(CollabError) -> [Double] {
        let start = try await startDecoding(request)
        var read = start.decoder.position
        defer { Run.spend(Usage(promptTokens: read)) }
        var result: [Double] = []
        for continuation in continuations {
            let tokens = try tokenizer.encode(continuing: continuation)
            guard let first = tokens.first else {
                throw CollabError(
                    .invalidRequest,
                    "“\(continuation)” has no tokens in the vocabulary of \(name)."
                )
            }
            var sum = start.logits.logprob(of: first)
            if tokens.count > 1 {
                let decoder = try await start.decoder.fork()
                let logits = try await decoder.append(Array(tokens.dropLast()), logits: .all)
                read += tokens.count - 1
                for (token, distribution) in zip(tokens.dropFirst(), logits) {
                    sum += distribution.logprob(of: token)
                }
            }
            result.append(sum)
        }
        return result
    }
}

extension Router where Self == LabelRouter {
    /// Reads from a model's probabilities which candidate's name it would write next; see ``LabelRouter``.
    public static func labels(using model: some TokenScoring, threshold: Double? = nil) -> LabelRouter {
        LabelRouter(model, threshold: threshold)
    }

    /// Reads from a model's probabilities which candidate's name it would write next; see ``LabelRouter``.
    @_disfavoredOverload
    public static func labels(using model: some LogitModel, threshold: Double? = nil) -> LabelRouter {
        LabelRouter(model, threshold: threshold)
    }
}
