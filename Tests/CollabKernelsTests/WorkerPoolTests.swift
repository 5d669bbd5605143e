import Testing

@testable import CollabKernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite struct WorkerPoolTests {
    /// Plain memory that workers write without locks, each its own element.
    private final class Cells: @unchecked Sendable {
        let values: UnsafeMutableBufferPointer<Int>
        init(_ count: Int) {
            values = .allocate(capacity: count)
            values.initialize(repeating: 0)
        }
        deinit { values.deallocate() }
    }

    @Test(arguments: [1, 2, 3, 8])
    func `every worker runs the closure once`(workers: Int) throws {
        let pool = try WorkerPool(workers: workers)
        let cells = Cells(workers)
        for _ in 0..<200 { pool.run { cells.values[$0] += 1 } }
        #expect(Array(cells.values) == [Int](repeating: 200, count: workers))
    }

    @Test(arguments: [2, 5])
    func `what was written before a barrier is seen after it`(workers: Int) throws {
        let pool = try WorkerPool(workers: workers)
        let cells = Cells(workers)
        let wrong = Cells(workers)
        pool.run { worker in
            for round in 1...500 {
                cells.values[worker] = round
                pool.barrier()
                if cells.values[(worker + 1) % workers] != round { wrong.values[worker] += 1 }
                pool.barrier()
            }
        }
        #expect(Array(wrong.values) == [Int](repeating: 0, count: workers))
    }

    @Test func `workers that have gone to sleep wake up`() throws {
        let pool = try WorkerPool(workers: 3)
        let cells = Cells(3)
        for _ in 0..<5 {
            usleep(2000)
            pool.run { worker in
                if worker == 1 { usleep(1000) }
                pool.barrier()
                cells.values[worker] += 1
            }
        }
        #expect(Array(cells.values) == [5, 5, 5])
    }

    #if os(Linux)
        @Test func `workers without work take no time of a processor`() throws {
            let pool = try WorkerPool(workers: 3)
            let threads = Cells(3)
            pool.run { worker in threads.values[worker] = Int(pthread_self()) }
            /// What the two that wait for work have computed so far, in nanoseconds.
            func computed() -> [Int] {
                threads.values.dropFirst().map { thread in
                    var clock = clockid_t()
                    var time = timespec()
                    guard pthread_getcpuclockid(pthread_t(thread), &clock) == 0,
                        clock_gettime(clock, &time) == 0
                    else { return -1 }
                    return time.tv_sec * 1_000_000_000 + time.tv_nsec
                }
            }
            // They spin for 50 µs before they sleep, for which they may have to wait where other threads compute.
            var isIdle = false
            for _ in 0..<10 where !isIdle {
                let before = computed()
                #expect(!before.contains(-1))
                usleep(100_000)
                isIdle = computed() == before
            }
            #expect(isIdle)
        }
    #endif

    @Test func `calls from several threads take turns`() async throws {
        let pool = try WorkerPool(workers: 2)
        let cells = Cells(2)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<100 { pool.run { cells.values[$0] += 1 } }
                }
            }
        }
        #expect(Array(cells.values) == [400, 400])
    }

    @Test func `shares are contiguous and cover everything`() throws {
        let pool = try WorkerPool(workers: 3)
        for count in [0, 1, 2, 3, 10, 1001] {
            let joined = (0..<3).flatMap { Array(pool.share(of: count, worker: $0)) }
            #expect(joined == Array(0..<count))
        }
    }

    @Test func `an absurd number of workers is refused`() {
        #expect(throws: KernelError.self) { try WorkerPool(workers: 0) }
        #expect(throws: KernelError.self) { try WorkerPool(workers: 100_000) }
    }
}
