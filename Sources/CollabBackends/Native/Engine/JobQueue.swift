import Collab

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where tasks leave jobs and the engine's thread, parked while there are none, picks them up.
final class JobQueue: @unchecked Sendable {
    // Sendable: `jobs`, `isBusy` and `isClosed` are touched only while `mutex` is held.
    private var jobs: [EngineJob] = []
    private var isClosed = false
    /// Whether the engine counts among those that have something to do.
    private var isBusy = false
    /// How many jobs the engine's thread waits for; it is not woken for fewer.
    private var expected = 1
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let arrival: UnsafeMutablePointer<pthread_cond_t>

    private let share: ComputeShare

    init(sharing share: ComputeShare = .machine) {
        self.share = share
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        arrival = .allocate(capacity: 1)
        arrival.initialize(to: pthread_cond_t())
        let status = pthread_mutex_init(mutex, nil) | pthread_cond_init(arrival, nil)
        precondition(status == 0, "The engine's queue could not be made: \(status)")
    }

    deinit {
        pthread_cond_destroy(arrival)
        pthread_mutex_destroy(mutex)
        arrival.deallocate()
        mutex.deallocate()
    }

    /// How many jobs have not been picked up.
    var count: Int {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return jobs.count
    }

    /// Adds a job.
    func submit(_ job: EngineJob) {
        pthread_mutex_lock(mutex)
        jobs.append(job)
        if !isBusy {
            isBusy = true
            share.join()
        }
        if jobs.count >= expected { pthread_cond_signal(arrival) }
        pthread_mutex_unlock(mutex)
    }

    /// Ends the engine's thread once it has nothing left to do.
    func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_cond_signal(arrival)
        pthread_mutex_unlock(mutex)
    }

    /// Takes all jobs, parking the thread until there is one; `nil` when the queue has been closed.
    ///
    /// It is asked by an engine that has nothing left to do.
    func takeWhenReady() -> [EngineJob]? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if jobs.isEmpty, isBusy {
            isBusy = false
            share.leave()
        }
        while jobs.isEmpty {
            if isClosed { return nil }
            pthread_cond_wait(arrival, mutex)
        }
        return takeAll()
    }

    /// Takes all jobs, waiting a moment until there are as many as expected.
    func take(expecting count: Int, within nanoseconds: Int) -> [EngineJob] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if count > 0, nanoseconds > 0, jobs.count < count {
            var deadline = timespec()
            clock_gettime(CLOCK_REALTIME, &deadline)
            deadline.tv_nsec += nanoseconds
            deadline.tv_sec += deadline.tv_nsec / 1_000_000_000
            deadline.tv_nsec %= 1_000_000_000
            expected = count
            defer { expected = 1 }
            while jobs.count < count, !isClosed {
                if pthread_cond_timedwait(arrival, mutex, &deadline) != 0 { break }
            }
        }
        return takeAll()
    }

    private func takeAll() -> [EngineJob] {
        defer { jobs.removeAll(keepingCapacity: true) }
        return jobs
    }
}
