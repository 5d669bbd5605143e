import Collab
import CollabKernels

/// One text in the key–value store: its tokens, and the blocks with their keys and values.
///
/// A copy shares every block, so a fork costs a few references; writing into a shared block copies it first. In
/// layers with a window, blocks that no later position can see are given back; a truncation that reaches behind
/// them forgets all keys and values, and the next step computes them again from the tokens.
struct KeyValueSequence: Sendable {
    /// How many positions of slack window layers keep, so that short truncations never recompute.
    static let slack = 256

    /// The tokens, computed or not.
    private(set) var tokens: [TokenID] = []
    /// How many of them have their keys and values in the store.
    private(set) var computed = 0
    /// By layer group and by page.
    private(set) var blocks: [[KeyValueBlock?]]
    /// The adapters in force: keys and values are theirs alone.
    let adapters: AdapterSet?
    private let pool: KeyValuePool

    init(pool: KeyValuePool, adapters: AdapterSet? = nil) {
        self.pool = pool
        self.adapters = adapters
        blocks = pool.groups.map { _ in [] }
    }

    /// A sequence that has been read before.
    init(
        pool: KeyValuePool,
        adapters: AdapterSet?,
        tokens: [TokenID],
        computed: Int,
        blocks: [[KeyValueBlock?]]
    ) {
        self.pool = pool
        self.adapters = adapters
        self.tokens = tokens
        self.computed = computed
        self.blocks = blocks
    }

    /// A sequence over the same store that has read nothing.
    func emptied() -> KeyValueSequence { KeyValueSequence(pool: pool, adapters: adapters) }

    /// How many tokens there are.
    var count: Int { tokens.count }
    /// The tokens that still have to go through the model.
    var pending: ArraySlice<TokenID> { tokens[computed...] }

    /// Adds tokens that are to be computed.
    mutating func append(_ new: [TokenID]) {
        tokens += new
    }

    /// Takes over the keys and values of another sequence that has the same first `count` tokens.
    ///
    /// False, and nothing changes, if it has no more to give, or not everything that later positions see.
    mutating func adopt(_ other: KeyValueSequence, upTo count: Int) -> Bool {
        guard count > computed, count <= other.computed, other.keepsEverything(truncatedTo: count) else {
            return false
        }
        var source = other
        source.truncate(to: count)
        (blocks, computed) = (source.blocks, count)
        return true
    }

    /// Makes room for the positions up to `end`, so that those from `computed` on may be written.
    mutating func reserve(upTo end: Int) throws(CollabError) {
        let positions = AttentionShape.pagePositions
        guard end > computed else { return }
        for group in blocks.indices {
            let first = computed / positions
            // The page that is already begun may be shared with a fork.
            if first < blocks[group].count, blocks[group][first] != nil {
                if !isKnownUniquelyReferenced(&blocks[group][first]) {
                    try copy(page: first, group: group, count: computed % positions)
                }
            }
            // Pages beyond it hold nothing of this sequence.
            let needed = (end + positions - 1) / positions
            while blocks[group].count < needed { blocks[group].append(try pool.makeBlock(group)) }
        }
    }

    private mutating func copy(page: Int, group: Int, count: Int) throws(CollabError) {
        let fresh = try pool.makeBlock(group)
        if count > 0, let old = blocks[group][page] {
            for layer in pool.groups[group].layers.indices {
                let offset = layer * pool.shape.pageBytes
                pool.shape.copy(slots: count, of: old.memory + offset, into: fresh.memory + offset)
            }
        }
        blocks[group][page] = fresh
    }

    /// Notes that keys and values up to `end` have been written, and gives back what no position will see again.
    mutating func finish(upTo end: Int) {
        computed = end
        for (group, description) in pool.groups.enumerated() {
            guard let window = description.window else { continue }
            let seen = end - window - Self.slack
            guard seen > 0 else { continue }
            let whole = min(seen / AttentionShape.pagePositions, blocks[group].count)
            var page = whole - 1
            while page >= 0, blocks[group][page] != nil {
                blocks[group][page] = nil
                page -= 1
            }
        }
    }

    /// Forgets everything after the first `count` tokens.
    mutating func truncate(to count: Int) {
        tokens.removeLast(tokens.count - count)
        if count < computed { computed = count }
        let positions = AttentionShape.pagePositions
        let pages = (computed + positions - 1) / positions
        guard keepsEverything(truncatedTo: computed) else {
            computed = 0
            for group in blocks.indices { blocks[group].removeAll() }
            return
        }
        for group in blocks.indices where blocks[group].count > pages {
            blocks[group].removeLast(blocks[group].count - pages)
        }
    }

    /// Whether all keys and values that the position after the first `count` tokens sees are still there.
    func keepsEverything(truncatedTo count: Int) -> Bool {
        let positions = AttentionShape.pagePositions
        for (group, description) in pool.groups.enumerated() {
            guard let window = description.window, count > 0 else { continue }
            let page = min(max(0, count - window + 1), count - 1) / positions
            if page >= blocks[group].count || blocks[group][page] == nil { return false }
        }
        return true
    }

    /// The bytes of the blocks, shared or not.
    var byteCount: Int {
        blocks.enumerated().reduce(0) { total, group in
            total + group.element.count { $0 != nil } * pool.blockBytes(group.offset)
        }
    }
}
