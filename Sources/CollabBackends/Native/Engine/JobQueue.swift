import Collab

/// Where tasks leave jobs and the engine's thread, parked while there are none, picks them up.
final class JobQueue: @unchecked Sendable {
    // Sendable: the variables are touched only while the lock is held.
    private var jobs: [EngineJob] = []
    private var isClosed = false
    /// Whether the engine counts among those that have something to do.
    private var isBusy = false
    /// Whether the engine's thread waits for a job with nothing left to do.
    private var isThreadParked = false
    /// How many jobs are about to be added.
    private var announced = 0
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

    /// Whether the engine's thread waits for a job.
    var isParked: Bool { rendezvous.withLock { isThreadParked } }

    /// Adds a job.
    func submit(_ job: EngineJob) {
        rendezvous.withLock {
            jobs.append(job)
            isBusy = true
            claim.join()
            if jobs.count >= expected { rendezvous.signal() }
        }
    }

    /// Says that a job is about to be added: the engine counts among those that have something to do from now on.
    func announce() {
        rendezvous.withLock {
            announced += 1
            isBusy = true
            claim.join()
        }
    }

    /// Takes an announcement back, whether or not the job has been added.
    func withdraw() {
        rendezvous.withLock {
            announced -= 1
            if isThreadParked { leaveIfIdle() }
        }
    }

    private func leaveIfIdle() {
        guard jobs.isEmpty, announced == 0, isBusy else { return }
        isBusy = false
        claim.leave()
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
            leaveIfIdle()
            isThreadParked = true
            defer { isThreadParked = false }
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
