import Collab

/// Where tasks leave jobs and the engine's thread, parked while there are none, picks them up.
final class JobQueue: @unchecked Sendable {
    // Sendable: `jobs`, `isBusy` and `isClosed` are touched only while the lock is held.
    private var jobs: [EngineJob] = []
    private var isClosed = false
    /// Whether the engine counts among those that have something to do.
    private var isBusy = false
    /// How many jobs the engine's thread waits for; it is not woken for fewer.
    private var expected = 1
    private let rendezvous = Rendezvous()
    /// What the engine claims of the cores.
    let claim: ComputeShare.Claim

    init(sharing share: ComputeShare = .machine) {
        claim = ComputeShare.Claim(on: share)
    }

    /// How many jobs have not been picked up.
    var count: Int { rendezvous.withLock { jobs.count } }

    /// Adds a job.
    func submit(_ job: EngineJob) {
        rendezvous.withLock {
            jobs.append(job)
            if !isBusy {
                isBusy = true
                claim.join()
            }
            if jobs.count >= expected { rendezvous.signal() }
        }
    }

    /// Ends the engine's thread once it has nothing left to do.
    func close() {
        rendezvous.withLock {
            isClosed = true
            rendezvous.signal()
        }
    }

    /// Takes all jobs, parking the thread until there is one; `nil` when the queue has been closed.
    ///
    /// It is asked by an engine that has nothing left to do.
    func takeWhenReady() -> [EngineJob]? {
        rendezvous.withLock {
            if jobs.isEmpty, isBusy {
                isBusy = false
                claim.leave()
            }
            while jobs.isEmpty {
                if isClosed { return nil }
                rendezvous.wait()
            }
            return takeAll()
        }
    }

    /// Takes all jobs, waiting a moment until there are as many as expected.
    func take(expecting count: Int, within nanoseconds: Int) -> [EngineJob] {
        rendezvous.withLock {
            expected = max(1, count)
            defer { expected = 1 }
            rendezvous.wait(atMost: nanoseconds) { jobs.count < count && !isClosed }
            return takeAll()
        }
    }

    private func takeAll() -> [EngineJob] {
        defer { jobs.removeAll(keepingCapacity: true) }
        return jobs
    }
}
