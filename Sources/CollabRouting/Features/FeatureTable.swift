public import Collab

/// What is known of questions as numbers: an embedding each, or a few of very many features.
public enum FeatureTable: Sendable {
    /// A row of numbers each.
    case dense(Table)
    /// The features that occur, with their weights; places lie below `buckets`.
    case sparse([SparseVector], buckets: Int)

    /// How many questions there are.
    public var count: Int {
        switch self {
        case .dense(let table): table.rows
        case .sparse(let vectors, _): vectors.count
        }
    }

    /// How many numbers a question has, zeros included.
    public var dimension: Int {
        switch self {
        case .dense(let table): table.columns
        case .sparse(_, let buckets): buckets
        }
    }

    /// The questions at some places, in the order of the places.
    public func selecting(_ places: [Int]) -> FeatureTable {
        switch self {
        case .dense(let table): .dense(table.selecting(places))
        case .sparse(let vectors, let buckets): .sparse(places.map { vectors[$0] }, buckets: buckets)
        }
    }

    /// The rows, for a method that needs them dense.
    func dense(for method: String) throws(CollabError) -> Table {
        guard case .dense(let table) = self else {
            throw CollabError(
                .unsupported,
                "\(method) needs embeddings; give it an embedding model, or n-grams folded into fewer numbers (NGramEmbedding)."
            )
        }
        if table.values.contains(where: { !$0.isFinite }) {
            throw CollabError(.notFinite, "An embedding has a value that is no number.")
        }
        return table
    }
}
