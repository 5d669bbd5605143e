import CollabKernels

/// The cores, shared by the engines that have something to compute at this moment instead of fought over.
///
/// An engine counts from the moment at which it is given something to do: models that are asked at the same time, as a
/// fusion's members are, all know of each other when the first of them begins. As many engines compute at once as there
/// are cores, each with its share of those that are free; the others wait in the order in which they came. One that has
/// waited and that nobody waits behind takes all cores as they become free: two models on a core each and then the third
/// on both are done sooner than three that take turns on two.
///
/// Results do not depend on the number of workers, so it may change from step to step.
final class ComputeShare: @unchecked Sendable {
    /// The share of the machine.
    static let machine = ComputeShare(cores: WorkerPool.physicalCores)

    // Sendable: everything below is touched only while the lock is held.
    private let rendezvous = Rendezvous()
    private let cores: Int
    /// How many engines have something to do, and how many of them have begun to compute it.
    private var engines = 0
    private var computing = 0
    private var used = 0
    /// Who waits for a core, the first in line first.
    private var line: [Int] = []
    private var lastTicket = 0

    /// How many engines wait for a core.
    var waiting: Int { rendezvous.withLock { line.count } }

    init(cores: Int) { self.cores = cores }

    /// An engine has been given something to do.
    func join() { rendezvous.withLock { engines += 1 } }

    /// An engine has nothing left to do.
    func leave() {
        rendezvous.withLock {
            engines -= 1
            rendezvous.broadcast()
        }
    }

    /// Runs a step of an engine that has joined with the workers that it may use.
    ///
    /// - Parameters:
    ///   - threads: the most workers it can use.
    ///   - duration: how long such a step takes, in nanoseconds. The engine waits for a core no longer than as many steps
    ///     as there are engines would take, so that one of short steps does not starve beside ones of long; then the
    ///     system divides the cores.
    func compute(upTo threads: Int, expecting duration: Int, _ body: (Int) -> Void) {
        let workers = rendezvous.withLock {
            let all = max(cores, threads)
            if duration > 0, used >= all || !line.isEmpty { wait(for: threads, of: all, expecting: duration) }
            let rivals = max(0, engines - computing - 1)
            let workers = max(1, min(threads, (all - used) / (1 + rivals)))
            (used, computing) = (used + workers, computing + 1)
            return workers
        }
        body(workers)
        rendezvous.withLock {
            (used, computing) = (used - workers, computing - 1)
            rendezvous.broadcast()
        }
    }

    /// Runs something that is asked for and done at once, with the workers that it may use.
    func run(of threads: Int, _ body: (Int) -> Void) {
        join()
        compute(upTo: threads, expecting: 0, body)
        leave()
    }

    private func wait(for threads: Int, of all: Int, expecting duration: Int) {
        lastTicket += 1
        let ticket = lastTicket
        line.append(ticket)
        defer {
            line.removeAll { $0 == ticket }
            rendezvous.broadcast()
        }
        rendezvous.wait(atMost: duration * engines) { line.first != ticket || used >= all }
        // Those that began together end together: waiting for the second core costs less than doing without it.
        rendezvous.wait(atMost: duration / 4) {
            all - used < min(threads, all / max(1, engines - computing))
        }
    }
}
