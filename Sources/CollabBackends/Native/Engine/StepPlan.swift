/// Which jobs get how many rows of a step.
///
/// Jobs with few tokens left, decoders above all, come first and whole; long prompts share what is left, the one that
/// has waited longest first. While decoders wait, prompts get small chunks, so that no decoder stalls for long; an eighth
/// of a step at most is kept for prompts, so that no number of decoders can hold them up.
struct StepPlan {
    /// A job with at most this many tokens left counts as decoding.
    static let shortJob = 8
    /// How many rows prompts get while decoders wait.
    static let politeChunk = 64

    /// The rows of each job, in the order of `pending`; 0 for those that wait.
    let rows: [Int]

    /// - Parameters:
    ///   - pending: how many tokens each job has left, in the order in which they should be served.
    ///   - most: the most rows that each job can take at once.
    ///   - capacity: the most rows of a step.
    init(pending: [Int], most: [Int], capacity: Int) {
        var rows = Array(repeating: 0, count: pending.count)
        var left = capacity
        var decodes = false
        let promptWaits = pending.contains { $0 > Self.shortJob }
        let kept = promptWaits ? max(1, min(Self.politeChunk, capacity / 8)) : 0
        for (job, count) in pending.enumerated() where count <= Self.shortJob && count <= left - kept {
            rows[job] = count
            left -= count
            decodes = true
        }
        if decodes { left = min(left, Self.politeChunk) }
        for (job, count) in pending.enumerated() where rows[job] == 0 && left > 0 {
            if promptWaits && count <= Self.shortJob { continue }
            rows[job] = min(count, most[job], left)
            left -= rows[job]
        }
        self.rows = rows
    }
}
