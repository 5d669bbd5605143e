/// Example questions by the name of what they belong to, and how similar a question is to each of them.
struct ExampleSimilarities: Sendable {
    /// What the examples became.
    private enum Vectors: Sendable {
        case counted(NGramFeatures, InverseDocumentFrequency, [String: [SparseVector]])
        case embedded(any EmbeddingModel, [String: [[Float]]])
    }

    /// The names, sorted.
    let names: [String]
    private let vectors: Vectors

    /// How texts are counted; `nil` if they are embedded.
    var features: NGramFeatures? {
        if case .counted(let features, _, _) = vectors { features } else { nil }
    }

    /// What embeds texts; `nil` if they are counted.
    var embedding: (any EmbeddingModel)? {
        if case .embedded(let model, _) = vectors { model } else { nil }
    }

    /// Similarity is the cosine of TF-IDF weighted n-grams.
    init(_ examples: [String: [String]], features: NGramFeatures) {
        let counts = examples.mapValues { $0.map(features.counts) }
        // Summing over sorted names keeps the weights the same from process to process.
        let weights = InverseDocumentFrequency(counting: counts.sorted { $0.key < $1.key }.flatMap(\.value))
        names = examples.keys.sorted()
        vectors = .counted(features, weights, counts.mapValues { $0.map(weights.weighted) })
    }

    /// Similarity is the cosine of embeddings; the examples are embedded now.
    init(_ examples: [String: [String]], embeddedBy model: any EmbeddingModel) async throws(CollabError) {
        names = examples.keys.sorted()
        let texts = names.flatMap { examples[$0] ?? [] }
        let vectors = texts.isEmpty ? [] : try await model.embed(texts)
        guard vectors.count == texts.count, vectors.allSatisfy({ $0.count == vectors[0].count }) else {
            throw CollabError(
                .malformedResponse,
                "\(model.name) was asked for \(texts.count) vectors of one length and gave others."
            )
        }
        var computed = vectors[...]
        var embedded: [String: [[Float]]] = [:]
        for name in names {
            let count = examples[name]?.count ?? 0
            embedded[name] = Array(computed.prefix(count))
            computed = computed.dropFirst(count)
        }
        self.vectors = .embedded(model, embedded)
    }

    /// Checks that all names are candidates'.
    func checkNames(_ candidates: [RouteCandidate]) throws(CollabError) {
        let known = Set(candidates.map(\.name))
        if let stranger = names.first(where: { !known.contains($0) }) {
            throw CollabError(
                .invalidRequest,
                "The router has examples for “\(stranger)”, but the candidates are \(known.sorted().joined(separator: ", "))."
            )
        }
    }

    /// The cosine of a question with each example, by name.
    func similarities(to question: String) async throws(CollabError) -> [String: [Double]] {
        switch vectors {
        case .counted(let features, let weights, let known):
            let vector = weights.weighted(features.counts(of: question))
            return known.mapValues { $0.map { Double($0.dot(vector)) } }
        case .embedded(let model, let known):
            let vector = try await model.vectors(of: [question]).first ?? []
            return known.mapValues {
                $0.map { zip($0, vector).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
            }
        }
    }
}
