#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A lock with something to wait for, for threads outside the cooperative pool.
final class Rendezvous: @unchecked Sendable {
    // Sendable: a mutex and a condition are there to be shared.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let change: UnsafeMutablePointer<pthread_cond_t>

    // A clock that nobody sets, where conditions can wait by one.
    #if canImport(Darwin)
        private static let clock = CLOCK_REALTIME
    #else
        private static let clock = CLOCK_MONOTONIC
    #endif

    init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        change = .allocate(capacity: 1)
        change.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        var status = pthread_condattr_init(&attributes)
        defer { pthread_condattr_destroy(&attributes) }
        #if !canImport(Darwin)
            status |= pthread_condattr_setclock(&attributes, Self.clock)
        #endif
        status |= pthread_mutex_init(mutex, nil) | pthread_cond_init(change, &attributes)
        precondition(status == 0, "A lock with a condition could not be made: \(status)")
    }

    deinit {
        pthread_cond_destroy(change)
        pthread_mutex_destroy(mutex)
        change.deallocate()
        mutex.deallocate()
    }

    func withLock<Result>(_ body: () throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// Waits, with the lock held, for a ``signal()`` or ``broadcast()``.
    func wait() { pthread_cond_wait(change, mutex) }

    /// Waits, with the lock held, as long as something is so, but no longer than given.
    func wait(atMost nanoseconds: Int, while isSo: () -> Bool) {
        guard nanoseconds > 0, isSo() else { return }
        var deadline = timespec()
        clock_gettime(Self.clock, &deadline)
        let sum = deadline.tv_nsec + nanoseconds
        deadline.tv_sec += sum / 1_000_000_000
        deadline.tv_nsec = sum % 1_000_000_000
        while isSo() {
            if pthread_cond_timedwait(change, mutex, &deadline) != 0 { return }
        }
    }

    /// Wakes one that waits.
    func signal() { pthread_cond_signal(change) }

    /// Wakes all that wait.
    func broadcast() { pthread_cond_broadcast(change) }
}
