public import Collab

/// Adapters of many domains, of which those nearest to a text are averaged for it.
///
/// A. Chronopoulou et al., *AdapterSoup: Weight Averaging to Improve Generalization of Pretrained Language Models*, 2023:
/// a domain is known by sentences of it, its nearness to a text is the mean cosine of their embeddings, and the nearest
/// adapters count evenly. What is averaged here are the changes s · B A, not the factors apart.
public struct AdapterSoup: Sendable {
    /// An adapter and what it is for.
    public struct Ingredient: Sendable {
        /// The adapter.
        public var adapter: LowRankAdapter
        /// Sentences of what it was trained on.
        public var examples: [String]

        /// Makes an ingredient.
        public init(_ adapter: LowRankAdapter, examples: [String]) {
            (self.adapter, self.examples) = (adapter, examples)
        }
    }

    /// The adapters, in the order of the weights.
    public let adapters: [LowRankAdapter]
    private let embedding: any EmbeddingModel
    /// The mean of the unit vectors of each adapter's examples: its product with a unit vector is the mean cosine.
    private let centres: [[Double]]

    /// Reads the examples.
    ///
    /// - Parameters:
    ///   - ingredients: the adapters, all of one model, with examples.
    ///   - embedding: the model that compares texts.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` for no adapters or one without examples, and what the embedding
    /// model throws.
    public init(_ ingredients: [Ingredient], comparingBy embedding: any EmbeddingModel)
        async throws(CollabError)
    {
        guard !ingredients.isEmpty else {
            throw CollabError(.invalidRequest, "A soup needs adapters.")
        }
        var centres: [[Double]] = []
        for ingredient in ingredients {
            guard !ingredient.examples.isEmpty else {
                throw CollabError(
                    .invalidRequest,
                    "\(ingredient.adapter.name) has no examples, by which a text could be near to it."
                )
            }
            centres.append(Self.mean(try await embedding.embed(ingredient.examples)))
        }
        adapters = ingredients.map(\.adapter)
        self.embedding = embedding
        self.centres = centres
    }

    /// How near a text is to each adapter's examples: mean cosines, −1…1.
    ///
    /// Throws what the embedding model throws.
    public func similarities(to text: String) async throws(CollabError) -> [Double] {
        let vector = Self.mean(try await embedding.embed([text]))
        return centres.map { centre in
            var sum = 0.0
            for (x, y) in zip(centre, vector) { sum += x * y }
            return sum
        }
    }

    /// The adapters' weights for a text: 1/`count` for the nearest, 0 for the others.
    ///
    /// - Parameters:
    ///   - text: what the model is to be good at.
    ///   - count: how many adapters are averaged; all if there are fewer.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` for a count below 1, and what the embedding model throws.
    public func weights(for text: String, averaging count: Int) async throws(CollabError) -> [Float] {
        guard count > 0 else {
            throw CollabError(.invalidRequest, "A soup averages one adapter or more, not \(count).")
        }
        let near = try await similarities(to: text)
        let order = near.indices.sorted { (-near[$0], $0) < (-near[$1], $1) }.prefix(count)
        var weights = [Float](repeating: 0, count: near.count)
        for place in order { weights[place] = 1 / Float(order.count) }
        return weights
    }

    /// A native model under the adapters that are nearest to a text.
    ///
    /// Throws what ``weights(for:averaging:)`` and ``NativeModel/adapted(by:weights:name:)`` throw.
    public func model(
        over base: NativeModel,
        for text: String,
        averaging count: Int
    ) async throws(CollabError) -> AdaptedNativeModel {
        let weights = try await weights(for: text, averaging: count)
        let chosen = weights.indices.filter { weights[$0] > 0 }
        return try await base.adapted(by: chosen.map { adapters[$0] }, weights: chosen.map { weights[$0] })
    }

    private static func mean(_ vectors: [[Float]]) -> [Double] {
        var sum = [Double](repeating: 0, count: vectors.first?.count ?? 0)
        for vector in vectors {
            for (place, value) in vector.enumerated() where place < sum.count { sum[place] += Double(value) }
        }
        return sum.map { $0 / Double(max(1, vectors.count)) }
    }
}
