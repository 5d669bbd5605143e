/// Chooses the candidate whose example questions resemble the request most.
///
/// Similarity is the cosine of TF-IDF weighted word and character n-grams (``NGramFeatures``); a candidate's score is
/// the mean over its nearest examples. Below the threshold it chooses none. No model is needed, and deciding takes
/// microseconds; on the questions of public benchmarks such features route as well as neural embeddings do.
public struct ExampleRouter: Router {
    /// What to call the router in traces.
    public var name: String { "examples" }
    /// The score that a candidate must reach, between 0 and 1.
    public let threshold: Double
    /// How many of a candidate's nearest examples count.
    public let neighbours: Int
    private let features: NGramFeatures
    private let weights: InverseDocumentFrequency
    private let examples: [String: [SparseVector]]

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
        let counts = examples.mapValues { $0.map(features.counts) }
        // Summing over sorted names keeps the weights the same from process to process.
        let weights = InverseDocumentFrequency(counting: counts.sorted { $0.key < $1.key }.flatMap(\.value))
        self.threshold = threshold
        self.neighbours = max(neighbours, 1)
        self.features = features
        self.weights = weights
        self.examples = counts.mapValues { $0.map(weights.weighted) }
    }

    /// Scores every candidate; one without examples is not scored.
    public func route(
        _ request: Request,
        among candidates: [RouteCandidate]
    ) async throws(CollabError) -> RoutingDecision {
        let names = Set(candidates.map(\.name))
        if let stranger = examples.keys.sorted().first(where: { !names.contains($0) }) {
            throw CollabError(
                .invalidRequest,
                "The router has examples for “\(stranger)”, but the candidates are \(names.sorted().joined(separator: ", "))."
            )
        }
        let question = weights.weighted(features.counts(of: request.question))
        let scores = candidates.map { candidate -> Double? in
            guard let known = examples[candidate.name], !known.isEmpty else { return nil }
            let nearest = known.map { Double($0.dot(question)) }.sorted(by: >).prefix(neighbours)
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
