public import Collab

/// How a question becomes numbers that a router learns from.
public enum RoutingFeatures: Sendable {
    /// Hashed n-grams, weighted by how rare they are: needs no model.
    case ngrams(NGramFeatures, InverseDocumentFrequency)
    /// The vectors of an embedding model.
    case embedding(any EmbeddingModel)

    /// N-grams, with the weights that the texts of a training set give.
    public static func ngrams(
        _ features: NGramFeatures = NGramFeatures(characters: nil, buckets: 1 << 18),
        weightedBy texts: [String]
    ) -> RoutingFeatures {
        .ngrams(features, InverseDocumentFrequency(counting: texts.map(features.counts)))
    }

    /// What the features are, for people.
    public var name: String {
        switch self {
        case .ngrams: "hashed n-grams"
        case .embedding(let model): model.name
        }
    }

    /// The features of questions, in order.
    ///
    /// Throws what embedding throws, and ``Collab/CollabError`` with `malformedResponse` if the model gives vectors of
    /// another number or length than it says.
    public func table(of questions: [String]) async throws(CollabError) -> FeatureTable {
        switch self {
        case .ngrams(let features, let weights):
            var vectors: [SparseVector] = []
            vectors.reserveCapacity(questions.count)
            for question in questions {
                try checkCancellation()
                vectors.append(weights.weighted(features.counts(of: question)))
            }
            return .sparse(vectors, buckets: Int(features.buckets))
        case .embedding(let model):
            let vectors = try await model.vectors(of: questions)
            guard vectors.count == questions.count, vectors.allSatisfy({ $0.count == model.dimension }) else {
                throw CollabError(
                    .malformedResponse,
                    "\(model.name) was asked for \(questions.count) vectors of \(model.dimension) numbers and gave others."
                )
            }
            guard !questions.isEmpty else { return .dense(Table(rows: 0, columns: model.dimension)) }
            return .dense(Table(vectors))
        }
    }
}
