/// Chooses the candidate whose example questions resemble the request most.
///
/// Similarity is the cosine of TF-IDF weighted word and character n-grams (``NGramFeatures``); a candidate's score is
/// the mean over its nearest examples. Below the threshold it chooses none. No model is needed, and deciding takes
/// microseconds; on the questions of public benchmarks such features route as well as neural embeddings do. Where
/// questions say the same in other words or languages, let an ``EmbeddingModel`` make the vectors:
/// ``init(_:embeddedBy:threshold:neighbours:)``.
public struct ExampleRouter: Router {
    /// What to call the router in traces.
    public var name: String { "examples" }
    /// The score that a candidate must reach, between 0 and 1.
    public let threshold: Double
    /// How many of a candidate's nearest examples count.
    public let neighbours: Int
    private let examples: ExampleSimilarities

    /// Makes a router from example questions for each candidate.
    ///
    /// - Parameters:
    ///   - examples: questions by the name of the candidate they belong to.
    ///   - threshold: the score below which no candidate is chosen.
    ///   - neighbours: how many of a candidate's nearest examples are averaged.
    ///   - features: how texts become vectors.
    public init(
        _ examples: [String: [String]],
        threshold: Double = 0.05,
        neighbours: Int = 2,
        features: NGramFeatures = NGramFeatures()
    ) {
        self.threshold = threshold
        self.neighbours = max(neighbours, 1)
        self.examples = ExampleSimilarities(examples, features: features)
    }

    /// Makes a router whose similarity is the cosine of embeddings.
    ///
    /// - Parameters:
    ///   - examples: questions by the name of the candidate they belong to; they are embedded now, a request's
    ///     question when it is routed.
    ///   - model: what makes the vectors.
    ///   - threshold: the score below which no candidate is chosen. Scores differ from model to model, so measure it
    ///     on questions of your own; by default only opposite questions are turned away.
    ///   - neighbours: how many of a candidate's nearest examples are averaged.
    ///
    /// Throws what embedding the examples throws.
    public init(
        _ examples: [String: [String]],
        embeddedBy model: any EmbeddingModel,
        threshold: Double = 0,
        neighbours: Int = 2
    ) async throws(CollabError) {
        self.threshold = threshold
        self.neighbours = max(neighbours, 1)
        self.examples = try await ExampleSimilarities(examples, embeddedBy: model)
    }

    /// Scores every candidate; one without examples is not scored.
    public func route(
        _ request: Request,
        among candidates: [RouteCandidate]
    ) async throws(CollabError) -> RoutingDecision {
        try examples.checkNames(candidates)
        let similarities = try await examples.similarities(to: request.question)
        let scores = candidates.map { candidate -> Double? in
            guard let known = similarities[candidate.name], !known.isEmpty else { return nil }
            let nearest = known.sorted(by: >).prefix(neighbours)
            return nearest.reduce(0, +) / Double(nearest.count)
        }
        return .best(of: scores, among: candidates, atLeast: threshold, what: "similarity to its examples")
    }
}

extension Router where Self == ExampleRouter {
    /// Chooses the candidate whose example questions resemble the request most; see ``ExampleRouter``.
    public static func examples(
        _ examples: [String: [String]],
        threshold: Double = 0.05,
        neighbours: Int = 2
    ) -> ExampleRouter {
        ExampleRouter(examples, threshold: threshold, neighbours: neighbours)
    }
}
