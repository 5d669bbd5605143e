#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The keys and values of 64 positions in every layer of one group.
///
/// Sequences share blocks by reference; whoever wants to write into one that is shared copies it first. The memory
/// goes back to the pool with the last reference.
final class KeyValueBlock: @unchecked Sendable {
    // Sendable: a block is written only by a sequence that holds the sole reference to it, and that sequence is used
    // by one thread at a time; shared blocks are only read.
    /// The pages of the group's layers, one after another.
    let memory: UnsafeMutableRawPointer
    private let pool: KeyValuePool
    private let group: Int

    init(memory: UnsafeMutableRawPointer, pool: KeyValuePool, group: Int) {
        self.memory = memory
        self.pool = pool
        self.group = group
    }

    deinit {
        pool.recycle(memory, group: group)
    }
}
