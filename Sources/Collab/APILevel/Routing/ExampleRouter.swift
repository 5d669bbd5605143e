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
    private let examples: Examples

    /// What the examples became.
    private enum Examples: Sendable {
        case counted(NGramFeatures, InverseDocumentFrequency, [String: [SparseVector]])
        case embedded(any EmbeddingModel, [String: [[Float]]])

        var names: [String] {
            switch self {
            case .counted(_, _, let vectors): vectors.keys.sorted()
            case .embedded(_, let vectors): vectors.keys.sorted()
            }
        }
    }

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
        self.examples = .counted(features, weights, counts.mapValues { $0.map(weights.weighted) })
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
        let names = examples.keys.sorted()
        var vectors = try await model.embed(names.flatMap { examples[$0] ?? [] })[...]
        var embedded: [String: [[Float]]] = [:]
        for name in names {
            let count = examples[name]?.count ?? 0
            embedded[name] = Array(vectors.prefix(count))
            vectors = vectors.dropFirst(count)
        }
        self.threshold = threshold
        self.neighbours = max(neighbours, 1)
        self.examples = .embedded(model, embedded)
    }

    /// Scores every candidate; one without examples is not scored.
    public func route(
        _ request: Request,
        among candidates: [RouteCandidate]
    ) async throws(CollabError) -> RoutingDecision {
        let names = Set(candidates.map(\.name))
        if let stranger = examples.names.first(where: { !names.contains($0) }) {
            throw CollabError(
                .invalidRequest,
                "The router has examples for “\(stranger)”, but the candidates are \(names.sorted().joined(separator: ", "))."
            )
        }
        let similarities = try await similarities(to: request.question)
        let scores = candidates.map { candidate -> Double? in
            guard let known = similarities[candidate.name], !known.isEmpty else { return nil }
            let nearest = known.sorted(by: >).prefix(neighbours)
            return nearest.reduce(0, +) / Double(nearest.count)
        }
        return .best(of: scores, among: candidates, atLeast: threshold, what: "similarity to its examples")
    }

    /// The cosine of a question with each example, by candidate.
    private func similarities(to question: String) async throws(CollabError) -> [String: [Double]] {
        switch examples {
        case .counted(let features, let weights, let vectors):
            let vector = weights.weighted(features.counts(of: question))
            return vectors.mapValues { $0.map { Double($0.dot(vector)) } }
        case .embedded(let model, let vectors):
            let vector = try await model.embed([question]).first ?? []
            return vectors.mapValues {
                $0.map { zip($0, vector).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
            }
        }
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
