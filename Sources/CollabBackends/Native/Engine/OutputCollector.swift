import Collab
import CollabKernels

/// Gives the outputs of a step their memory, and hands them to their jobs.
///
/// Logits are computed straight into the arrays that the caller gets.
struct OutputCollector {
    let vocabulary: Int
    let width: Int
    private var failures: [ObjectIdentifier: CollabError] = [:]
    private var wanted: [Wanted] = []

    private struct Wanted {
        var job: EngineJob
        var row: Int
        var position: Int
        var token: TokenID
    }

    init(vocabulary: Int, width: Int) {
        self.vocabulary = vocabulary
        self.width = width
    }

    /// What is wrong with the outputs of a job.
    func failure(of job: EngineJob) -> CollabError? { failures[ObjectIdentifier(job)] }

    /// Finds out what the jobs want of the step, runs it, and gives it to them.
    mutating func collect(_ jobs: [EngineJob], step: inout Step, run: (Step) -> Void) {
        for (job, segment) in zip(jobs, step.segments) {
            let positions = segment.start..<segment.start + segment.rows.count
            for position in job.readout.positions.clamped(to: positions) {
                let token = job.readout.kind == .logprob ? job.sequence.tokens[position + 1] : 0
                let row = segment.rows.lowerBound + position - segment.start
                wanted.append(Wanted(job: job, row: row, position: position, token: token))
            }
        }
        let count = wanted.count
        withUnsafeTemporaryAllocation(of: Float.self, capacity: max(count, 1)) { logprobs in
            logprobs.initialize(repeating: 0)
            fill(0, logprobs: logprobs.baseAddress!, step: &step, run: run)
            for (index, item) in wanted.enumerated() where item.job.readout.kind == .logprob {
                check(logprobs[index].isFinite, item)
                item.job.logprobs.append(logprobs[index])
            }
        }
    }

    /// Makes the array of one output around the arrays of those after it, and runs the step innermost.
    private mutating func fill(
        _ index: Int,
        logprobs: UnsafeMutablePointer<Float>,
        step: inout Step,
        run: (Step) -> Void
    ) {
        guard index < wanted.count else { return run(step) }
        let item = wanted[index]
        let kind = item.job.readout.kind
        var output = StepOutput(row: item.row, kind: kind, target: logprobs + index, token: item.token)
        if kind == .logprob {
            step.outputs.append(output)
            return fill(index + 1, logprobs: logprobs, step: &step, run: run)
        }
        let size = kind == .logits ? vocabulary : width
        let place = kind == .logits ? item.job.logits.count : item.job.hidden.count
        let values = [Float](unsafeUninitializedCapacity: size) { buffer, count in
            output.target = buffer.baseAddress!
            step.outputs.append(output)
            fill(index + 1, logprobs: logprobs, step: &step, run: run)
            count = size
        }
        check(VectorKernels.isFinite(values), item)
        // Inner calls have added the outputs of later positions already.
        if kind == .logits {
            item.job.logits.insert(Logits(values), at: place)
        } else {
            item.job.hidden.insert(values, at: place)
        }
    }

    private mutating func check(_ isFinite: Bool, _ item: Wanted) {
        guard !isFinite else { return }
        let message =
            "The model's output after token \(item.position) is not finite: its weights hold NaN or infinity."
        failures[ObjectIdentifier(item.job)] = CollabError(.notFinite, message)
    }
}
