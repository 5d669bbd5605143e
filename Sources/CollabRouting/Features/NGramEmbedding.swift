public import Collab

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Turns texts into short dense vectors without any model: hashed n-grams, folded with random signs.
///
/// Every feature adds its square-rooted count, with the sign that its hash gives, to one of `dimension` places
/// (K. Weinberger et al., *Feature Hashing for Large Scale Multitask Learning*, 2009), so that scalar products are those
/// of the whole vectors in expectation. Methods that need dense vectors can do with it where no encoder is at hand.
public struct NGramEmbedding: EmbeddingModel {
    /// What to call it.
    public var name: String { "n-grams folded into \(dimension)" }
    /// The length of a vector.
    public let dimension: Int
    /// How texts become features.
    public let features: NGramFeatures

    /// Makes an embedding.
    public init(dimension: Int = 512, features: NGramFeatures = NGramFeatures(characters: nil)) {
        self.dimension = max(dimension, 1)
        self.features = features
    }

    /// One vector a text, in order, each of unit length; a text without features is a zero vector.
    public func embed(_ texts: [String]) async throws(CollabError) -> [[Float]] {
        var vectors: [[Float]] = []
        for text in texts {
            try checkCancellation()
            vectors.append(vector(of: text))
        }
        return vectors
    }

    private func vector(of text: String) -> [Float] {
        var vector = [Float](repeating: 0, count: dimension)
        let counts = features.counts(of: text)
        for (feature, count) in zip(counts.indices, counts.values) {
            var hash = (UInt64(feature) &+ 1) &* 0x9e37_79b9_7f4a_7c15
            hash = (hash ^ (hash >> 31)) &* 0xbf58_476d_1ce4_e5b9
            hash ^= hash >> 29
            vector[Int((hash >> 1) % UInt64(dimension))] += (hash & 1 == 0 ? 1 : -1) * count.squareRoot()
        }
        let length = sqrt(vector.reduce(0) { $0 + $1 * $1 })
        return length > 0 ? vector.map { $0 / length } : vector
    }
}
