public import Collab

/// Answers that are kept on disk, so that no question is paid for twice.
///
/// ```swift
/// let cache = try ResponseCache(path: "answers.sqlite")
/// let model = expensive.cached(in: cache)
/// ```
///
/// A call's key is the model's name, or the identity given with ``Collab/TextModel/cached(in:as:)``, and the whole
/// request: input, options, seed and sample index. Two samples of one question are therefore two entries; equal requests
/// get equal answers even at a temperature above zero.
///
/// The cache is one SQLite file that several processes may share. Every answer is stored in a transaction of its own: a
/// process that is killed leaves what was stored before, and no half of an answer. The file holds prompts and answers,
/// never keys or headers, and only its owner may read it. Where a server quoted the key that it was sent, `[redacted]`
/// stands in its place, so a later hit is not word for word what the server said.
public final class ResponseCache: Sendable {
    /// What is done about a file that is damaged.
    public enum DamagePolicy: Hashable, Sendable {
        /// Opening, or asking, fails with ``Collab/CollabError/Code/malformedFile``.
        case fail
        /// The damaged file is put aside as `PATH.damaged` and an empty one begun; damage found later counts as a miss.
        case rebuild
    }

    /// How the cache has been used since it was opened, by this process.
    public struct Statistics: Hashable, Sendable {
        /// Calls that were answered from the file.
        public var hits = 0
        /// Calls for which the model was asked.
        public var misses = 0
        /// Calls that took the answer of an equal call under way.
        public var shared = 0
        /// Answers that gave way to newer ones.
        public var evictions = 0
    }

    /// What the file holds.
    public struct Contents: Hashable, Sendable {
        /// How many answers.
        public var answers: Int
        /// How many bytes of keys and answers.
        public var bytes: Int
    }

    let store: CacheStore
    let flights = Flights()
    private let counts = Protected(Statistics())

    /// Opens a cache, or begins one.
    ///
    /// - Parameters:
    ///   - path: the SQLite file.
    ///   - capacity: how many bytes of keys and answers are kept at most; beyond it the answers that were used least
    ///     recently give way. An answer that is larger is not kept.
    ///   - damage: what is done about a file that is damaged. A whole file of somebody else's is never touched.
    ///
    /// Throws ``Collab/CollabError/Code/malformedFile`` if the file is damaged or no cache,
    /// ``Collab/CollabError/Code/unsupported`` if a newer version wrote it, and
    /// ``Collab/CollabError/Code/inputOutput`` if it cannot be opened.
    public init(
        path: String,
        capacity: Int = 256 << 20,
        damage: DamagePolicy = .fail
    ) throws(CollabError) {
        guard capacity > 0 else {
            throw CollabError(.invalidRequest, "A cache of \(capacity) bytes holds nothing; give it more.")
        }
        store = try CacheStore(path: path, capacity: capacity, damage: damage)
    }

    /// How the cache has been used so far.
    public var statistics: Statistics { counts.withLock { $0 } }

    /// How many calls wait for the answer of a model right now.
    package var callers: Int { flights.followers }

    /// What the file holds now.
    public func contents() async throws(CollabError) -> Contents {
        try await store.contents()
    }

    /// Forgets every answer.
    public func removeAll() async throws(CollabError) {
        try await store.removeAll()
    }

    func count(_ change: (inout Statistics) -> Void) {
        counts.withLock { change(&$0) }
    }

    /// The stored answer, if there is one; of a damaged file an error or none, as the policy says.
    func answer(to key: CacheKey) async throws(CollabError) -> Response? {
        do throws(CollabError) { return try await store.response(for: key) } catch {
            guard store.damage == .rebuild, error.code != .cancelled else { throw error }
            return nil
        }
    }

    /// Keeps an answer; what cannot be kept is noted in the trace, since the answer itself is good.
    func keep(_ response: Response, for key: CacheKey) async {
        // An answer cut by the budget of one run is no answer for another.
        guard response.ending != .budgetExhausted else { return }
        do throws(CollabError) {
            let evicted = try await store.store(response, for: key)
            if evicted > 0 { count { $0.evictions += evicted } }
        } catch {
            Run.note("not kept", "\(error.code): \(error.message)")
        }
    }
}
