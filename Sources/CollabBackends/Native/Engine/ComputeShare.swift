import CollabKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The cores, shared by the engines that have something to compute at this moment instead of fought over.
///
/// As many engines compute at once as there are cores, each with its share of those that are free; the others wait in the
/// order in which they came. One that has waited and that nobody waits behind takes all cores as they become free: two
/// models on a core each and then the third on both are done sooner than three that take turns on two.
///
/// Results do not depend on the number of workers, so it may change from step to step.
final class ComputeShare: @unchecked Sendable {
    /// The share of the machine.
    static let machine = ComputeShare(cores: WorkerPool.physicalCores)

    // Sendable: everything below, and the state of each claim, is touched only while the lock is held.
    private let rendezvous = Rendezvous()
    private let cores: Int
    private var used = 0
    /// How many engines have something to do, and how many of them have yet to be given a core for it.
    private var engines = 0
    private var asking = 0
    /// Who waits for a core, the first in line first.
    private var line: [ObjectIdentifier] = []
    /// When those that compute began, how long they are expected to, in nanoseconds, and on which core.
    private var steps: [ObjectIdentifier: (beginning: Int, duration: Int, core: Int?)] = [:]

    init(cores: Int) { self.cores = cores }

    /// How many engines wait for a core.
    var waiting: Int { rendezvous.withLock { line.count } }

    /// Runs something that is asked for and done at once, with the workers that it may use.
    func run(of threads: Int, _ body: (Int) -> Void) {
        let claim = Claim(on: self)
        claim.join()
        claim.compute(upTo: threads, expecting: 0, body)
        claim.leave()
    }

    /// What one engine claims of the cores.
    ///
    /// An engine counts from the moment at which it is given something to do: models that are asked at the same time, as
    /// a fusion's members are, all know of each other when the first of them begins. Between two steps it does not count,
    /// for it may have nothing left to do.
    final class Claim: @unchecked Sendable {
        private enum State { case idle, asking, computing, between }

        private let share: ComputeShare
        private var state = State.idle

        init(on share: ComputeShare) { self.share = share }

        /// The engine has been given something to do.
        func join() {
            share.rendezvous.withLock {
                if state == .idle { share.engines += 1 }
                // What comes during a step is asked for after it.
                guard state == .idle || state == .between else { return }
                state = .asking
                share.asking += 1
            }
        }

        /// The engine has nothing left to do.
        func leave() {
            share.rendezvous.withLock {
                if state == .asking { share.asking -= 1 }
                state = .idle
                share.engines -= 1
                share.rendezvous.broadcast()
            }
        }

        /// Runs a step with the workers that the engine may use.
        ///
        /// - Parameters:
        ///   - threads: the most workers it can use.
        ///   - duration: how long such a step takes, in nanoseconds. The engine waits for a core no longer than as many
        ///     steps as there are engines would take, so that one of short steps does not starve beside ones of long;
        ///     then the system divides the cores.
        func compute(upTo threads: Int, expecting duration: Int, _ body: (Int) -> Void) {
            let workers = share.rendezvous.withLock {
                if state == .between { share.asking += 1 }
                state = .asking
                let workers = share.admit(self, threads, expecting: duration)
                share.asking -= 1
                share.used += workers
                share.place(self, expecting: duration)
                state = .computing
                return workers
            }
            body(workers)
            share.rendezvous.withLock {
                share.used -= workers
                share.steps[ObjectIdentifier(self)] = nil
                state = .between
                share.rendezvous.broadcast()
            }
        }
    }

    /// How many workers an engine may use, once it may.
    private func admit(_ claim: Claim, _ threads: Int, expecting duration: Int) -> Int {
        let all = max(cores, threads)
        let patience = duration / 4
        if duration > 0, used >= all || !line.isEmpty || isCoreComing(within: patience) {
            let name = ObjectIdentifier(claim)
            line.append(name)
            rendezvous.wait(atMost: duration * engines) { line.first != name || used >= all }
            // Those that began together end together: waiting for the next core costs less than doing without it.
            if isCoreComing(within: patience) {
                rendezvous.wait(atMost: patience) { all - used < min(threads, all / max(1, asking)) }
            }
            line.removeAll { $0 == name }
            rendezvous.broadcast()
        }
        return max(1, min(threads, (all - used) / max(1, asking)))
    }

    /// Whether a step ought to end so soon.
    private func isCoreComing(within patience: Int) -> Bool {
        let now = Self.now
        return steps.values.contains { step in
            let rest = step.beginning + step.duration - now
            // One that takes far longer than expected is another kind of step, and may take long yet.
            return rest < patience && rest > -step.duration / 2
        }
    }

    /// Notes a step that begins, on a core of its own.
    private func place(_ claim: Claim, expecting duration: Int) {
        let taken = steps.values.compactMap(\.core)
        if let core = ThreadPlace.core, taken.contains(core) { ThreadPlace.leave(taken) }
        steps[ObjectIdentifier(claim)] = (Self.now, duration, ThreadPlace.core)
    }

    private static var now: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}
