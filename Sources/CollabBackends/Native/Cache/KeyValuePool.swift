import Collab
import CollabKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where key–value blocks come from: bounded memory, reused block by block.
final class KeyValuePool: Sendable {
    /// The page layout of one layer.
    let shape: AttentionShape
    /// Which layers share blocks.
    let groups: [LayerGroup]
    /// The most bytes that may be taken; `nil` for no limit.
    let limit: Int?
    /// Where memory can be found that nobody needs.
    let prefixes: PrefixCache
    private let state: Protected<State>
    /// How many blocks are taken from the system together.
    private static let blocksAtOnce = 4

    private struct State {
        /// Addresses of blocks that nobody uses, by group.
        var free: [[Int]]
        /// The memory that blocks are parts of.
        var slabs: [Slab] = []
        var bytes = 0
    }

    /// Some blocks of a group that were taken from the system together.
    private struct Slab {
        var address: Int
        var group: Int
        var count: Int
    }

    /// - Parameters:
    ///   - shape: the page layout of one layer.
    ///   - groups: which layers share blocks.
    ///   - limit: the most bytes that may be taken; `nil` for no limit.
    ///   - promptCacheLimit: the most bytes of remembered beginnings among them.
    init(
        shape: AttentionShape,
        groups: [LayerGroup],
        limit: Int?,
        promptCacheLimit: Int = NativeOptions.defaultPromptCacheLimit
    ) {
        self.shape = shape
        self.groups = groups
        self.limit = limit
        prefixes = PrefixCache(
            limit: min(limit ?? .max, promptCacheLimit),
            windows: groups.map(\.window),
            blockBytes: groups.map { $0.layers.count * shape.pageBytes }
        )
        state = Protected(State(free: groups.map { _ in [] }))
    }

    deinit {
        state.withLock { state in
            // A block keeps its pool alive, so all of them are free now.
            for slab in state.slabs { free(UnsafeMutableRawPointer(bitPattern: slab.address)) }
        }
    }

    /// The bytes of one block of a group.
    func blockBytes(_ group: Int) -> Int { groups[group].layers.count * shape.pageBytes }

    /// How many bytes are taken from the system now, free blocks included.
    var bytesInUse: Int { state.withLock { $0.bytes } }

    /// A sequence with the longest remembered beginning of some tokens under some adapters, the last token never
    /// included, or `nil`.
    ///
    /// - Parameter known: how many tokens are known anyway; only more are worth having.
    func sequence(
        beginning tokens: [TokenID],
        under adapters: AdapterSet?,
        beyond known: Int = 0
    ) -> KeyValueSequence? {
        guard let match = prefixes.match(tokens, under: adapters, beyond: known) else { return nil }
        return KeyValueSequence(
            pool: self,
            adapters: adapters,
            tokens: Array(tokens[..<match.count]),
            computed: match.count,
            blocks: match.blocks
        )
    }

    /// A block of a group whose contents are finite but otherwise arbitrary.
    ///
    /// Where the limit is reached, remembered beginnings of earlier texts make room.
    func makeBlock(_ group: Int) throws(CollabError) -> KeyValueBlock {
        while true {
            do throws(CollabError) {
                return try takeBlock(group)
            } catch {
                guard prefixes.dropOldest() else { throw error }
            }
        }
    }

    private func takeBlock(_ group: Int) throws(CollabError) -> KeyValueBlock {
        let size = blockBytes(group)
        let address: Int = try state.withLock { (state) throws(CollabError) -> Int in
            if let address = state.free[group].popLast() { return address }
            var count = Self.blocksAtOnce
            if let limit {
                if limit - state.bytes < size { giveBack(size, to: group, &state) }
                count = min(count, (limit - state.bytes) / size)
                guard count > 0 else {
                    let message =
                        "Keys and values need \(state.bytes + size) bytes, but the memory limit leaves "
                    throw CollabError(
                        .memoryLimit,
                        message + "\(limit). Raise memoryLimit, or use shorter or fewer sequences."
                    )
                }
            }
            guard let slab = Self.allocate(count * size) else {
                throw CollabError(
                    .memoryLimit,
                    "The system has no \(count * size) bytes left for keys and values."
                )
            }
            state.slabs.append(Slab(address: Int(bitPattern: slab), group: group, count: count))
            state.bytes += count * size
            for block in (1..<count).reversed() {
                state.free[group].append(Int(bitPattern: slab) + block * size)
            }
            return Int(bitPattern: slab)
        }
        guard let memory = UnsafeMutableRawPointer(bitPattern: address) else {
            preconditionFailure("a block has an address")
        }
        return KeyValueBlock(memory: memory, pool: self, group: group)
    }

    /// Gives memory of other groups that nobody uses back to the system, until so many more bytes may be taken.
    ///
    /// Else a long text, which takes most in layers without a window, would leave no room for many short ones.
    private func giveBack(_ bytes: Int, to group: Int, _ state: inout State) {
        let unused = state.free.map(Set.init)
        var kept: [Slab] = []
        for slab in state.slabs {
            let size = blockBytes(slab.group)
            let blocks = Set((0..<slab.count).map { slab.address + $0 * size })
            let isEnough = (limit ?? .max) - state.bytes >= bytes
            guard !isEnough, slab.group != group, blocks.isSubset(of: unused[slab.group]) else {
                kept.append(slab)
                continue
            }
            state.free[slab.group].removeAll { blocks.contains($0) }
            state.bytes -= slab.count * size
            free(UnsafeMutableRawPointer(bitPattern: slab.address))
        }
        state.slabs = kept
    }

    /// Zeroed memory, in large pages where the system has them, since every step walks through all of it.
    private static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer? {
        let largePage = 2 << 20
        var memory: UnsafeMutableRawPointer?
        guard posix_memalign(&memory, largePage, (bytes + largePage - 1) / largePage * largePage) == 0 else {
            return nil
        }
        #if os(Linux)
            madvise(memory, bytes, MADV_HUGEPAGE)
        #endif
        memset(memory!, 0, bytes)
        return memory
    }

    /// Takes back the memory of a block.
    func recycle(_ memory: UnsafeMutableRawPointer, group: Int) {
        state.withLock { $0.free[group].append(Int(bitPattern: memory)) }
    }
}
