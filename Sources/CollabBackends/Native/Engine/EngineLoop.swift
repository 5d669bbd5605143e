import Collab
import CollabKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The engine's thread: picks up jobs, plans steps, runs them, resumes whoever waits.
final class EngineLoop {
    private let keyValues: KeyValuePool
    private let queue: JobQueue
    private let forward: ForwardPass
    private let threads: Int
    private let rowsComputed: Protected<Int>
    /// The teams, smallest first: one worker alone, for when another engine computes too, and all of them.
    private var pools: [WorkerPool]
    /// Jobs in progress, the one that has waited longest first.
    private var jobs: [EngineJob] = []
    /// How many sequences got their last token's output from the last step and may soon be back with the next, and
    /// how long the step took.
    private var lastFinished = 0
    private var lastDuration = 0
    private var lastEnd = 0
    /// How long the last step computed, without what it waited for cores.
    private var lastComputation = 0

    init(
        weights: Weights,
        keyValues: KeyValuePool,
        queue: JobQueue,
        rows: Int,
        threads: Int,
        precision: Precision,
        rowsComputed: Protected<Int>
    ) throws(CollabError) {
        self.keyValues = keyValues
        self.queue = queue
        self.threads = threads
        self.rowsComputed = rowsComputed
        let pool = try WorkerPool(teamOf: threads)
        let alone = threads == 1 ? pool : try WorkerPool(teamOf: 1)
        pools = [alone] + (threads == 1 ? [] : [pool])
        forward = ForwardPass(
            weights: weights,
            keyValues: keyValues,
            rows: rows,
            pool: pool,
            precisions: weights.activationForms(precision)
        )
    }

    /// Starts the thread; it ends when the queue is closed.
    func start() throws(CollabError) {
        // The thread alone uses the loop from here on.
        nonisolated(unsafe) let loop = self
        let status = startThread { loop.run() }
        if status != 0 {
            throw CollabError(.inputOutput, "The engine's thread could not be started: error \(status).")
        }
    }

    private func run() {
        while true {
            var returned = 0
            if jobs.isEmpty {
                guard let new = queue.takeWhenReady() else { return }
                admit(new)
                returned = new.count
                // After a pause nobody is expected back.
                if Self.now() - lastEnd > lastDuration + 1_000_000 { lastFinished = 0 }
            }
            gather(lastFinished - returned)
            drop { $0.isCancelled ? .cancelled : nil }
            if !jobs.isEmpty { advance() }
        }
    }

    /// Picks up what has arrived, and waits a moment for the sequences that the last step finished to come back, so
    /// that those that decode side by side stay in one step.
    ///
    /// What arrived during the step is in `jobs` already: counting it as returned would split the sequences into two
    /// steps that take turns for ever.
    private func gather(_ missing: Int) {
        let patience = min(lastDuration / 4, 2_000_000)
        admit(queue.take(expecting: missing, within: patience))
    }

    /// Takes up new jobs, each with what is known of its beginning or after one that computes it.
    private func admit(_ new: [EngineJob]) {
        for job in new {
            let sequence = job.sequence
            if job.isPrompt,
                let known = keyValues.sequence(
                    beginning: sequence.tokens,
                    under: sequence.adapters,
                    beyond: sequence.computed
                )
            {
                _ = job.takeOver(known, upTo: known.computed)
            }
            SharedBeginnings.seek(job, among: jobs)
            jobs.append(job)
        }
        keyValues.prefixes.noteShared(SharedBeginnings.handOver(jobs))
    }

    /// Fails the jobs for which there is an error.
    private func drop(_ error: (EngineJob) -> CollabError?) {
        let failures = jobs.map(error)
        guard failures.contains(where: { $0 != nil }) else { return }
        let leaving = Set(zip(jobs, failures).compactMap { $1 == nil ? nil : ObjectIdentifier($0) })
        let shared = SharedBeginnings.handOver(jobs) { leaving.contains(ObjectIdentifier($0)) }
        keyValues.prefixes.noteShared(shared)
        for (job, failure) in zip(jobs, failures) {
            if let failure { job.fail(failure) }
        }
        jobs.removeAll { leaving.contains(ObjectIdentifier($0)) }
    }

    /// Runs one step.
    private func advance() {
        let began = Self.now()
        let ready = jobs.filter { $0.leader == nil }
        let plan = StepPlan(
            pending: ready.map { $0.sequence.pending.count },
            most: ready.map { SharedBeginnings.mostRows(of: $0, followedBy: jobs) },
            capacity: forward.workspace.rows
        )
        var errors: [ObjectIdentifier: CollabError] = [:]
        var step = Step()
        var served: [(job: EngineJob, end: Int)] = []
        for (job, rows) in zip(ready, plan.rows) where rows > 0 {
            let start = job.sequence.computed
            do throws(CollabError) {
                try job.sequence.reserve(upTo: start + rows)
            } catch {
                errors[ObjectIdentifier(job)] = error
                continue
            }
            let first = step.rowCount
            step.segments.append(
                StepSegment(
                    rows: first..<first + rows,
                    start: start,
                    tokens: job.sequence.tokens[start..<start + rows],
                    blocks: job.sequence.blocks,
                    probe: job.probe,
                    adapters: job.sequence.adapters
                )
            )
            served.append((job, start + rows))
        }
        var collector = OutputCollector(
            vocabulary: forward.configuration.vocabularySize,
            width: forward.configuration.embeddingLength
        )
        collector.collect(served.map(\.job), step: &step) { step in
            queue.claim.compute(upTo: threads, expecting: lastComputation) { workers in
                let began = Self.now()
                forward.run(step, on: pool(workers))
                lastComputation = Self.now() - began
            }
        }
        rowsComputed.withLock { $0 += step.rowCount }
        step = Step()
        for (job, end) in served {
            job.sequence.finish(upTo: end)
            if let error = collector.failure(of: job) { errors[ObjectIdentifier(job)] = error }
        }
        drop { errors[ObjectIdentifier($0)] }
        // What has arrived may begin as a text does that is about to leave.
        admit(queue.take(expecting: 0, within: 0))
        lastFinished = 0
        jobs.removeAll { job in
            guard job.sequence.pending.isEmpty else { return false }
            if job.isPrompt { keyValues.prefixes.store(job.sequence) }
            job.finish()
            lastFinished += 1
            return true
        }
        lastEnd = Self.now()
        lastDuration = lastEnd - began
    }

    /// The largest team of at most so many workers; one of a size between is made when it is first needed.
    private func pool(_ workers: Int) -> WorkerPool {
        if !pools.contains(where: { $0.workers == workers }), let pool = try? WorkerPool(workers: workers) {
            pools.append(pool)
            pools.sort { $0.workers < $1.workers }
        }
        return pools.last { $0.workers <= workers } ?? pools[0]
    }

    private static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}
