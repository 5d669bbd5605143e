import Collab
import CollabKernels

#if canImport(Glibc)
    import Glibc
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

    private struct State {
        var free: [[Int]]
        var bytes = 0
    }

    init(shape: AttentionShape, groups: [LayerGroup], limit: Int?) {
        self.shape = shape
        self.groups = groups
        self.limit = limit
        prefixes = PrefixCache(limit: min(limit ?? .max, 64 << 20))
        state = Protected(State(free: groups.map { _ in [] }))
    }

    deinit {
        state.withLock { state in
            for addresses in state.free {
                for address in addresses { free(UnsafeMutableRawPointer(bitPattern: address)) }
            }
        }
    }

    /// The bytes of one block of a group.
    func blockBytes(_ group: Int) -> Int { groups[group].layers.count * shape.pageBytes }

    /// How many bytes are taken from the system now, free blocks included.
    var bytesInUse: Int { state.withLock { $0.bytes } }

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
        let limit = limit
        let address: Int? = try state.withLock { (state) throws(CollabError) -> Int? in
            if let address = state.free[group].popLast() { return address }
            if let limit, state.bytes + size > limit {
                // Blocks of other groups that nobody uses make room first.
                for other in state.free.indices where other != group {
                    while state.bytes + size > limit, let address = state.free[other].popLast() {
                        free(UnsafeMutableRawPointer(bitPattern: address))
                        state.bytes -= blockBytes(other)
                    }
                }
                if state.bytes + size > limit {
                    let message =
                        "Keys and values need \(state.bytes + size) bytes, but the memory limit leaves \(limit). "
                    throw CollabError(
                        .memoryLimit,
                        message + "Raise memoryLimit, or use shorter or fewer sequences."
                    )
                }
            }
            var memory: UnsafeMutableRawPointer?
            guard posix_memalign(&memory, 64, size) == 0, let memory else { return nil }
            memset(memory, 0, size)
            state.bytes += size
            return Int(bitPattern: memory)
        }
        guard let address, let memory = UnsafeMutableRawPointer(bitPattern: address) else {
            throw CollabError(.memoryLimit, "The system has no \(size) bytes left for keys and values.")
        }
        return KeyValueBlock(memory: memory, pool: self, group: group)
    }

    /// Takes back the memory of a block.
    func recycle(_ memory: UnsafeMutableRawPointer, group: Int) {
        state.withLock { $0.free[group].append(Int(bitPattern: memory)) }
    }
}
