import CMachineLimits
import CollabKernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What the machine can do at best at this moment: how fast memory is read, and how fast bytes are multiplied in
/// registers. Shared machines differ from minute to minute, so these are measured beside the engine.
enum MachineLimits {
    /// The bytes that a reading measurement passes: far more than any cache.
    private static let bytes = 256 << 20

    /// Gigabytes a second that so many threads read, each a contiguous part, as the engine does.
    static func readRate(threads: Int) throws -> Double {
        let pool = try WorkerPool(workers: threads)
        let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
        guard let memory, memory != MAP_FAILED else { return .nan }
        defer { munmap(memory, bytes) }
        memset(memory, 1, bytes)
        let timing = Timing(rounds: 7) {
            nonisolated(unsafe) let memory = memory
            pool.run { worker in
                let share = pool.share(of: bytes / 512, worker: worker)
                withExtendedLifetime(limits_read(memory + share.lowerBound * 512, share.count * 512)) {}
            }
        }
        return Double(bytes) / timing.median / 1e9
    }

    /// Billions of products of bytes a second, summed in registers by so many threads; 0 where there is no
    /// instruction for it.
    static func byteProducts(threads: Int) throws -> Double {
        let pool = try WorkerPool(workers: threads)
        let rounds = 200_000
        var sink: Int32 = 0
        let products = limits_byte_products(1, &sink) * Double(rounds * threads)
        let timing = Timing(rounds: 7) {
            pool.run { _ in
                var sink: Int32 = 0
                _ = limits_byte_products(rounds, &sink)
            }
        }
        return products / timing.median / 1e9
    }

    static func measurements(threads: [Int]) throws -> [Measurement] {
        try threads.map { count in
            Measurement(
                name: "machine",
                conditions: ["threads": String(count)],
                figures: [
                    "GB/s read": try readRate(threads: count),
                    "GMAC/s bytes": try byteProducts(threads: count),
                ]
            )
        }
    }
}
