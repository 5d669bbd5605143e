internal import CKernels

/// A small team of operating-system threads that run one closure together.
///
/// The calling thread takes part as worker 0. Between runs and at barriers the others spin for up to 50 µs and then
/// sleep, so an idle pool costs nothing and two pools do not starve each other. Never the cooperative pool.
///
/// `@unchecked Sendable`: the C pool serialises runs with its own lock.
public final class WorkerPool: @unchecked Sendable {
    /// How many workers a run has, the caller included.
    public let workers: Int
    private let pool: OpaquePointer

    /// The physical (on Apple's chips: performance) cores of this machine.
    public static let physicalCores = Int(collab_physical_cores())

    /// Starts the threads.
    ///
    /// - Parameter workers: 1…256; by default the number of physical cores.
    /// - Throws: ``KernelError`` if the number is out of range or the system refuses the threads.
    public init(workers: Int = WorkerPool.physicalCores) throws(KernelError) {
        guard (1...256).contains(workers) else {
            throw KernelError("A worker pool has 1 to 256 workers, not \(workers).")
        }
        guard let pool = collab_pool_create(Int32(workers)) else {
            throw KernelError("The system refused to start \(workers - 1) threads; ask for fewer workers.")
        }
        self.pool = pool
        self.workers = workers
    }

    deinit {
        collab_pool_destroy(pool)
    }

    /// Runs the closure once on every worker and returns when all are done. Calls from several threads take turns.
    /// The closure must not run the same pool again.
    public func run(_ body: @Sendable (_ worker: Int) -> Void) {
        withoutActuallyEscaping(body) { body in
            var box = body
            withUnsafeMutablePointer(to: &box) { pointer in
                collab_pool_run(
                    pool,
                    { context, worker in
                        guard let context else { return }
                        context.assumingMemoryBound(to: (@Sendable (Int) -> Void).self).pointee(Int(worker))
                    },
                    pointer
                )
            }
        }
    }

    /// Inside a run: waits until every worker has come here. What was written before is visible after.
    public func barrier() {
        collab_pool_barrier(pool)
    }

    /// The contiguous part of `0..<count` that a worker always gets: the same rows for every token, so that they stay
    /// in its core's caches.
    public func share(of count: Int, worker: Int) -> Range<Int> {
        count * worker / workers..<count * (worker + 1) / workers
    }
}
