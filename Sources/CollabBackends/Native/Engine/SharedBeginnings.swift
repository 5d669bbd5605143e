import Collab

/// Lets jobs whose texts begin alike compute the beginning once: the first computes it, and the others wait and take
/// its keys and values over.
///
/// A job follows one that came before it, never the other way round, so the first of all always has something to do. If
/// the one that is followed leaves early, those that follow it keep what it has computed and go on, after another that
/// began alike or by themselves.
enum SharedBeginnings {
    /// Finds the job before a new one that shares the longest beginning with it, if that is worth waiting for.
    static func seek(_ job: EngineJob, among earlier: some Sequence<EngineJob>) {
        let most = job.mostShared
        let worthwhile = job.sequence.computed + PrefixCache.shortestPrefix
        guard most >= worthwhile else { return }
        for other in earlier where other !== job {
            let count = job.sequence.commonCount(with: other.sequence, most: most)
            guard count >= worthwhile, count > job.sharedCount || job.leader == nil else { continue }
            (job.leader, job.sharedCount) = (other, count)
        }
    }

    /// Hands over what has been computed, to those that wait for no more than that and to all that follow a job which
    /// is about to leave; returns how many tokens need not be computed because of that.
    static func handOver(_ jobs: [EngineJob], leaving: (EngineJob) -> Bool = { _ in false }) -> Int {
        var total = 0
        for (index, job) in jobs.enumerated() {
            guard let leader = job.leader else { continue }
            let isLeaving = leaving(leader)
            let count = min(job.sharedCount, leader.sequence.computed)
            guard count == job.sharedCount || isLeaving else { continue }
            job.leader = nil
            total += job.takeOver(leader.sequence, upTo: count)
            if count < job.sharedCount {
                seek(job, among: jobs[..<index].filter { !leaving($0) })
            }
        }
        return total
    }

    /// The most rows that a job should compute in a step, so that those that follow it can go on as soon as they may.
    static func mostRows(of job: EngineJob, followedBy jobs: [EngineJob]) -> Int {
        var most = job.mostRows
        for other in jobs where other.leader === job {
            most = min(most, max(1, other.sharedCount - job.sequence.computed))
        }
        return most
    }
}

extension EngineJob {
    /// How many of its tokens may come from another text: not those after which something is wanted, nor any if they
    /// are watched.
    fileprivate var mostShared: Int {
        if probe != nil { return 0 }
        let last = sequence.count - 1
        return readout.positions.isEmpty ? last : min(last, readout.positions.lowerBound)
    }

    /// Takes over keys and values of another text with the same first tokens; returns of how many more tokens.
    func takeOver(_ other: KeyValueSequence, upTo count: Int) -> Int {
        let before = sequence.computed
        guard sequence.adopt(other, upTo: count) else { return 0 }
        taken = count
        return count - before
    }
}

extension KeyValueSequence {
    /// How many first tokens two sequences under the same adapters have in common, counted up to `most`.
    fileprivate func commonCount(with other: KeyValueSequence, most: Int) -> Int {
        guard adapters?.identity == other.adapters?.identity else { return 0 }
        let end = min(most, count, other.count)
        var count = 0
        while count < end, tokens[count] == other.tokens[count] { count += 1 }
        return count
    }
}
