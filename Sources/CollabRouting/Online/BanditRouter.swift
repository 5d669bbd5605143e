public import Collab

/// A router that learns while it is used, by a ``LinearBandit``.
///
/// It is an ``OutcomeRecorder`` too: let the collaboration log to it, and every judged answer is learned from at once.
///
/// ```swift
/// let router = try BanditRouter(models: ["small", "large"], embeddedBy: encoder, costWeight: 0.1)
/// let desk = Route(by: router) { small; large }
///     .logging(to: router, quality: { request, text in isRight(request, text) ? 1 : 0 })
/// ```
///
/// A decision depends on what was learned so far, the seed and the question alone: asked again before something else is
/// learned, it is the same, so what ``Route/explain(_:)`` says is what will be done.
public final class BanditRouter: Router, OutcomeRecorder {
    /// What to call the router in traces.
    public var name: String { "learning by trying, with \(embedding.name)" }
    /// The models' names.
    public let models: [String]
    /// What makes questions into numbers.
    public let embedding: any EmbeddingModel
    /// Where chance begins.
    public let seed: UInt64
    private let state: Protected<LinearBandit>

    /// Makes a router that knows nothing yet.
    ///
    /// - Parameters:
    ///   - models: the candidates' names.
    ///   - embedding: what makes questions into numbers.
    ///   - axes: on which questions are projected, which makes learning faster.
    ///   - exploration: how others are tried.
    ///   - costWeight: what a unit of cost is worth in quality.
    ///   - prices: what an answer of each model costs; `nil`: the mean of what its answers did cost.
    ///   - seed: where chance begins.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` if a name is there twice or a price is missing, or as
    /// ``LinearBandit`` does.
    public convenience init(
        models: [String],
        embeddedBy embedding: any EmbeddingModel,
        axes: PrincipalAxes? = nil,
        exploration: LinearBandit.Exploration = .thompson(0.1),
        costWeight: Double = 0,
        prices: [String: Double]? = nil,
        seed: UInt64 = 0
    ) throws(CollabError) {
        let bandit = try LinearBandit(
            models: models.count,
            dimension: embedding.dimension,
            axes: axes,
            exploration: exploration,
            costWeight: costWeight,
            prices: prices.map { prices in models.compactMap { prices[$0] } }
        )
        try self.init(models: models, embeddedBy: embedding, bandit: bandit, seed: seed)
    }

    /// Makes a router of a bandit that may have learned already.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` if names, vectors and bandit do not fit each other.
    public init(
        models: [String],
        embeddedBy embedding: any EmbeddingModel,
        bandit: LinearBandit,
        seed: UInt64 = 0
    ) throws(CollabError) {
        guard Set(models).count == models.count, bandit.modelCount == models.count,
            bandit.dimension == embedding.dimension
        else {
            throw CollabError(
                .invalidRequest,
                "The bandit is of \(bandit.modelCount) models and \(bandit.dimension) numbers; the models are \(models), "
                    + "the vectors of \(embedding.dimension)."
            )
        }
        self.models = models
        self.embedding = embedding
        self.seed = seed
        state = Protected(bandit)
    }

    /// What was learned so far.
    public var bandit: LinearBandit { state.withLock { $0 } }

    /// Chooses the candidate of the highest value, trying included.
    public func route(
        _ request: Request,
        among candidates: [RouteCandidate]
    ) async throws(CollabError) -> RoutingDecision {
        let places = candidates.map { models.firstIndex(of: $0.name) }
        let vectors = try await vectors(of: [request.question])
        let bandit = self.bandit
        let values = bandit.values(for: vectors[0], seed: chance(of: request.question, bandit.tries))
        let scores = places.map { place in place.map { values[$0] } }
        var best: Int?
        for (place, score) in scores.enumerated() {
            guard let score, score.isFinite else { continue }
            if best.flatMap({ scores[$0] }).map({ score > $0 }) ?? true { best = place }
        }
        guard let best, let model = places[best] else {
            throw CollabError(
                .invalidRequest,
                "The router learns of \(models.joined(separator: ", ")), and none of these is a candidate."
            )
        }
        let (mean, deviation) = bandit.estimate(of: model, on: vectors[0])
        func short(_ value: Double) -> String { String((value * 1000).rounded() / 1000) }
        return RoutingDecision(
            choice: best,
            scores: scores,
            reason:
                "\(models[model]) is worth most, trying included: expected \(short(mean)) ± \(short(deviation)) "
                + "after \(bandit.counts[model]) answers, at a cost of \(bandit.cost(of: model))",
            rule: "\(bandit.exploration) less \(bandit.costWeight) times the cost",
            costs: places.map { place in place.map { bandit.cost(of: $0) } }
        )
    }

    /// Learns from outcomes; the same as ``learn(from:)``.
    public func record(_ outcomes: [RoutingOutcome]) async throws(CollabError) {
        try await learn(from: outcomes)
    }

    /// Learns from what was judged; the rest, and models of other names, teach nothing.
    ///
    /// A question's features in the outcome are taken where they have the right length; else the question is embedded.
    public func learn(from outcomes: [RoutingOutcome]) async throws(CollabError) {
        let judged = outcomes.judgements().filter { models.contains($0.model) }
        func kept(_ judgement: OutcomeJudgement) -> [Float]? {
            judgement.features.flatMap {
                $0.count == embedding.dimension && $0.allSatisfy(\.isFinite) ? $0 : nil
            }
        }
        var questions: [String] = []
        for judgement in judged where kept(judgement) == nil && !questions.contains(judgement.question) {
            questions.append(judgement.question)
        }
        let computed = questions.isEmpty ? [] : try await vectors(of: questions)
        let known = Dictionary(uniqueKeysWithValues: zip(questions, computed))
        state.withLock { bandit in
            for judgement in judged {
                guard let model = models.firstIndex(of: judgement.model),
                    let vector = kept(judgement) ?? known[judgement.question]
                else { continue }
                bandit.learn(
                    model: model,
                    question: vector,
                    quality: judgement.quality,
                    cost: judgement.cost.isFinite ? judgement.cost : 0
                )
            }
        }
    }

    private func vectors(of questions: [String]) async throws(CollabError) -> [[Float]] {
        let table = try await RoutingFeatures.embedding(embedding).table(of: questions)
            .dense(for: "A bandit")
        return (0..<table.rows).map { Array(table.row($0)) }
    }

    private func chance(of question: String, _ tries: Int) -> UInt64 {
        SeededGenerator.hash(of: question) ^ SeededGenerator.spread(seed &+ UInt64(tries) << 20)
    }

    /// Saves what was learned as a folder that ``init(contentsOf:embeddedBy:seed:)`` reads; see
    /// ``LearnedRouter/save(to:)`` for its files.
    ///
    /// Throws ``Collab/CollabError`` with `inputOutput` if the files cannot be written.
    public func save(to folder: String, facts: [String: String] = [:]) throws(CollabError) {
        try LearnedRouter(models: models, features: .embedding(embedding), estimator: bandit, facts: facts)
            .save(to: folder)
    }

    /// Loads what was saved, to go on learning.
    ///
    /// Throws what ``LearnedRouter`` throws, and ``Collab/CollabError`` with `unsupported` for a router of another method.
    public convenience init(
        contentsOf folder: String,
        embeddedBy embedding: any EmbeddingModel,
        seed: UInt64 = 0
    ) throws(CollabError) {
        let router = try LearnedRouter(contentsOf: folder, embeddedBy: embedding)
        guard let bandit = router.estimator as? LinearBandit else {
            throw CollabError(
                .unsupported,
                "\(folder) is of the method “\(type(of: router.estimator).method)”, which does not learn by trying."
            )
        }
        try self.init(models: router.models, embeddedBy: embedding, bandit: bandit, seed: seed)
    }
}
