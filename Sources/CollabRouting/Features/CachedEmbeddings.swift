public import Collab

/// An embedding model that remembers the vectors of texts it has seen, up to a limit.
///
/// Of texts that are asked for again the oldest are forgotten first. The same text asked for by two callers at once may
/// be computed twice; it is the same vector.
public final class CachedEmbeddings: EmbeddingModel {
    /// What to call it: as the model beneath.
    public var name: String { model.name }
    /// The length of a vector.
    public var dimension: Int { model.dimension }
    /// How many texts are remembered.
    public let capacity: Int
    private let model: any EmbeddingModel
    private let memory = Protected(Memory())

    private struct Memory {
        var vectors: [String: [Float]] = [:]
        /// Texts in the order in which they came; those before `first` are forgotten.
        var order: [String] = []
        var first = 0
    }

    /// Wraps a model.
    public init(_ model: any EmbeddingModel, capacity: Int = 10_000) {
        self.model = model
        self.capacity = max(capacity, 1)
    }

    /// How many texts are remembered now.
    public var count: Int { memory.withLock { $0.vectors.count } }

    /// Remembers vectors that were computed elsewhere, such as those of a training file.
    public func remember(_ vectors: [(text: String, vector: [Float])]) {
        memory.withLock { memory in
            for (text, vector) in vectors {
                if memory.vectors.updateValue(vector, forKey: text) == nil { memory.order.append(text) }
                if memory.vectors.count > capacity {
                    memory.vectors[memory.order[memory.first]] = nil
                    memory.first += 1
                }
            }
            if memory.first > capacity {
                memory.order.removeFirst(memory.first)
                memory.first = 0
            }
        }
    }

    /// One vector a text, in order; only those that are not remembered are computed.
    public func embed(_ texts: [String]) async throws(CollabError) -> [[Float]] {
        let known = memory.withLock { memory in texts.map { memory.vectors[$0] } }
        var missing: [String] = []
        var places: [String: Int] = [:]
        for (text, vector) in zip(texts, known) where vector == nil && places[text] == nil {
            places[text] = missing.count
            missing.append(text)
        }
        if missing.isEmpty { return known.compactMap { $0 } }
        let computed = try await model.embed(missing)
        guard computed.count == missing.count else {
            throw CollabError(
                .malformedResponse,
                "\(model.name) gave \(computed.count) vectors for \(missing.count) texts."
            )
        }
        remember(Array(zip(missing, computed)).map { (text: $0.0, vector: $0.1) })
        return zip(texts, known).map { text, vector in vector ?? computed[places[text] ?? 0] }
    }
}
