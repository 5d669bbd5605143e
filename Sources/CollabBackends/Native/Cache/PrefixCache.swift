import Collab

/// The beginnings of recent texts, kept so that the next text that begins alike need not compute them again.
///
/// It belongs to one store of keys and values, and so to one model as it is run: its weights, precision and format of
/// keys and values. Texts under other adapters have nothing in common.
///
/// Blocks are shared with the decoders that left them. What has not been used for longest goes first when memory is
/// bounded or wanted for something else, from the ends of texts on; a text that comes again is then computed again.
final class PrefixCache: Sendable {
    /// Shared beginnings shorter than this are not worth a copy of the block that they end in.
    static let shortestPrefix = 16

    private struct State: Sendable {
        var tree: PrefixTree
        var statistics = PromptCacheStatistics()
    }

    private let state: Protected<State>
    /// The most bytes that remembered blocks may take.
    private let limit: Int

    /// - Parameters:
    ///   - limit: the most bytes that remembered blocks may take.
    ///   - windows: by layer group, how many positions a query sees; `nil` for all.
    ///   - blockBytes: by layer group, the bytes of a block.
    init(limit: Int, windows: [Int?], blockBytes: [Int]) {
        self.limit = limit
        state = Protected(State(tree: PrefixTree(windows: windows, blockBytes: blockBytes)))
    }

    /// What has been found and kept so far.
    var statistics: PromptCacheStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.bytes = state.tree.bytes
            statistics.beginnings = state.tree.nodeCount
            return statistics
        }
    }

    /// The longest known beginning of some tokens under some adapters, the last token never included, or `nil`.
    ///
    /// - Parameter known: how many tokens are known anyway; only more are worth having.
    func match(_ tokens: [TokenID], under adapters: AdapterSet?, beyond known: Int = 0) -> PrefixTree.Match? {
        state.withLock { state in
            state.statistics.lookups += 1
            let match = state.tree.match(
                tokens,
                under: adapters?.identity,
                least: max(Self.shortestPrefix, known + 1),
                most: tokens.count - 1
            )
            if let match {
                state.statistics.hits += 1
                state.statistics.tokensSaved += match.count - known
            }
            return match
        }
    }

    /// Counts tokens that a text has taken over from another that was being computed.
    func noteShared(_ tokens: Int) {
        state.withLock { $0.statistics.tokensShared += tokens }
    }

    /// Remembers what has been computed of a sequence.
    func store(_ sequence: KeyValueSequence) {
        guard sequence.computed >= Self.shortestPrefix, sequence.byteCount <= limit else { return }
        // Memory that is let go must not be freed under the lock, since the pool has one too.
        let dropped: [KeyValueBlock] = state.withLock { state in
            state.tree.insert(
                sequence.tokens,
                count: sequence.computed,
                blocks: sequence.blocks,
                under: sequence.adapters?.identity
            )
            var dropped: [KeyValueBlock] = []
            while state.tree.bytes > limit, let blocks = state.tree.removeOldest() {
                state.statistics.evictions += 1
                dropped += blocks
            }
            return dropped
        }
        _ = dropped
    }

    /// Lets everything go.
    func removeAll() {
        let dropped: [KeyValueBlock] = state.withLock { state in
            var dropped: [KeyValueBlock] = []
            while let blocks = state.tree.removeOldest() { dropped += blocks }
            return dropped
        }
        _ = dropped
    }

    /// Lets go what has not been used for longest, first of all what nobody else holds; false if there is nothing.
    func dropOldest() -> Bool {
        let dropped: [KeyValueBlock]? = state.withLock { state in
            guard let blocks = state.tree.removeOldestUnheld() ?? state.tree.removeOldest() else {
                return nil
            }
            state.statistics.evictions += 1
            return blocks
        }
        return dropped != nil
    }
}
