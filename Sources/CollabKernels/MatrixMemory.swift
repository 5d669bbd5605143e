internal import CKernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Memory for the packed matrices of one model: a few large regions, aligned to 2 MiB and backed by huge pages where
/// the system has them.
///
/// Pages are only taken from the system when a matrix is packed into them. Everything is given back when the arena
/// and all matrices made in it are gone.
///
/// `@unchecked Sendable`: the mutable state is touched under `lock` only; handed-out slices never overlap.
public final class MatrixMemory: @unchecked Sendable {
    private struct Region {
        let base: UnsafeMutableRawPointer
        let size: Int
        var used: Int
    }

    private let regionBytes: Int
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private var regions: [Region] = []

    /// Makes an arena that grows in regions of at least `regionBytes`.
    public init(regionBytes: Int = 32 << 20) {
        self.regionBytes = max(regionBytes, 2 << 20)
        lock = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
    }

    deinit {
        for region in regions { collab_memory_free(region.base, region.size) }
        pthread_mutex_destroy(lock)
        lock.deallocate()
    }

    /// Bytes handed out so far.
    public var bytesUsed: Int {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return regions.reduce(0) { $0 + $1.used }
    }

    /// Zeroed bytes aligned to 64, valid as long as this arena lives.
    func allocate(_ bytes: Int) throws(KernelError) -> UnsafeMutableRawPointer {
        let size = (max(bytes, 1) + 63) / 64 * 64
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        if let index = regions.indices.last, regions[index].size - regions[index].used >= size {
            defer { regions[index].used += size }
            return regions[index].base + regions[index].used
        }
        let regionSize = max(regionBytes, size)
        guard let base = collab_memory_allocate(regionSize) else {
            throw KernelError(
                "The system has no \(regionSize) bytes left for packed weights; free memory first."
            )
        }
        regions.append(Region(base: base, size: regionSize, used: size))
        return base
    }
}
