/// What a ``SemanticRouter`` knows of a candidate: questions that belong to it, and how similar others must be.
public struct SemanticRoute: Hashable, Sendable, Codable {
    /// The candidate's name.
    public var name: String
    /// Questions that belong to it.
    public var examples: [String]
    /// The similarity that a question must reach, −1…1.
    public var threshold: Double

    /// Makes a route.
    public init(_ name: String, threshold: Double = 0.3, examples: [String]) {
        self.name = name
        self.examples = examples
        self.threshold = threshold
    }
}

/// Chooses the candidate whose examples a question resembles most, if it resembles them enough; else none.
///
/// Each route has a threshold of its own, as some kinds of questions resemble each other more than others do. Of the
/// routes that reach theirs the highest similarity decides; ties go to the route that was declared first. Similarities
/// differ from model to model, so let ``fitted(to:)`` find the thresholds on questions of your own. They can be read,
/// kept (``thresholds``), and set by hand.
///
/// ```swift
/// let router = SemanticRouter([
///     SemanticRoute("arithmetic", threshold: 0.2, examples: ["What is 3 + 4?", "How much is 9 · 8?"]),
///     SemanticRoute("facts", threshold: 0.1, examples: ["Who wrote Faust?", "Where is Mount Etna?"]),
/// ])
/// ```
public struct SemanticRouter: Router {
    /// How the similarities of a route's nearest examples become its score.
    public enum Aggregation: String, Hashable, Sendable, Codable, CaseIterable {
        /// Their mean.
        case mean
        /// The highest.
        case highest
        /// Their sum: routes with many examples near the question win.
        case sum
    }

    /// What to call the router in traces.
    public var name: String { "semantic routes" }
    /// The routes, in declaration order.
    public internal(set) var routes: [SemanticRoute]
    /// How many of a route's nearest examples count.
    public let nearest: Int
    /// How their similarities become a score.
    public let aggregation: Aggregation
    /// Where its thresholds come from, for people: how many labels and what they came to; saved with the router.
    public var facts: [String: String] = [:]
    private let examples: ExampleSimilarities

    /// How texts become vectors without a model; `nil` if a model makes them.
    public var features: NGramFeatures? { examples.features }
    /// What makes the vectors; `nil` if no model does.
    public var embedding: (any EmbeddingModel)? { examples.embedding }

    /// Makes a router that compares TF-IDF weighted n-grams (``NGramFeatures``); no model is needed.
    public init(
        _ routes: [SemanticRoute],
        nearest: Int = 3,
        aggregation: Aggregation = .mean,
        features: NGramFeatures = NGramFeatures()
    ) {
        self.init(
            routes,
            nearest,
            aggregation,
            ExampleSimilarities(Self.examples(of: routes), features: features)
        )
    }

    /// Makes a router that compares embeddings; the examples are embedded now.
    ///
    /// Throws what embedding the examples throws.
    public init(
        _ routes: [SemanticRoute],
        embeddedBy model: any EmbeddingModel,
        nearest: Int = 3,
        aggregation: Aggregation = .mean
    ) async throws(CollabError) {
        self.init(
            routes,
            nearest,
            aggregation,
            try await ExampleSimilarities(Self.examples(of: routes), embeddedBy: model)
        )
    }

    private init(
        _ routes: [SemanticRoute],
        _ nearest: Int,
        _ aggregation: Aggregation,
        _ examples: ExampleSimilarities
    ) {
        self.routes = routes
        self.nearest = max(nearest, 1)
        self.aggregation = aggregation
        self.examples = examples
    }

    /// Routes of one name share their examples; the first one's threshold holds.
    private static func examples(of routes: [SemanticRoute]) -> [String: [String]] {
        Dictionary(routes.map { ($0.name, $0.examples) }, uniquingKeysWith: +)
    }

    /// The routes' thresholds by name, to be kept and set again.
    public var thresholds: [String: Double] {
        get { Dictionary(routes.map { ($0.name, $0.threshold) }, uniquingKeysWith: { first, _ in first }) }
        set {
            for place in routes.indices {
                if let threshold = newValue[routes[place].name] { routes[place].threshold = threshold }
            }
        }
    }

    /// Each route's similarity to a question; `nil` for a route without examples.
    public func scores(for question: String) async throws(CollabError) -> [String: Double?] {
        try await examples.similarities(to: question).mapValues { similarities in
            guard !similarities.isEmpty else { return nil }
            let known = similarities.sorted(by: >).prefix(nearest)
            switch aggregation {
            case .mean: return known.reduce(0, +) / Double(known.count)
            case .highest: return known[0]
            case .sum: return known.reduce(0, +)
            }
        }
    }

    /// The route that scores decide for, by its place; `nil` for none.
    func choice(_ scores: [Double?]) -> Int? {
        var best: Int?
        for (place, score) in scores.enumerated() {
            guard let score, score >= routes[place].threshold else { continue }
            if best.flatMap({ scores[$0] }).map({ score > $0 }) ?? true { best = place }
        }
        return best
    }

    /// Scores every candidate; one without examples is not scored.
    public func route(
        _ request: Request,
        among candidates: [RouteCandidate]
    ) async throws(CollabError) -> RoutingDecision {
        try examples.checkNames(candidates)
        let found = try await scores(for: request.question)
        let scores = candidates.map { found[$0.name] ?? nil }
        let known = routes.map { found[$0.name] ?? nil }
        if let place = choice(known), let score = known[place] {
            let route = routes[place]
            return RoutingDecision(
                choice: candidates.firstIndex { $0.name == route.name },
                scores: scores,
                threshold: route.threshold,
                reason: "\(route.name) has the highest similarity of those that reach their thresholds, "
                    + "\(score.rounded(toPlaces: 3)) of \(route.threshold.rounded(toPlaces: 3))"
            )
        }
        let nearest = known.indices.max { (known[$0] ?? -.infinity) < (known[$1] ?? -.infinity) }
        guard let nearest, let score = known[nearest] else {
            return RoutingDecision(choice: nil, scores: scores, reason: "no similarity was measured")
        }
        let route = routes[nearest]
        return RoutingDecision(
            choice: nil,
            scores: scores,
            threshold: route.threshold,
            reason: "no route reaches its threshold; the nearest is \(route.name) with "
                + "\(score.rounded(toPlaces: 3)) of \(route.threshold.rounded(toPlaces: 3))"
        )
    }
}

extension Router where Self == SemanticRouter {
    /// Chooses the route whose examples a question resembles enough; see ``SemanticRouter``.
    public static func semantic(_ routes: SemanticRoute...) -> SemanticRouter { SemanticRouter(routes) }
}
