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
        withUnsafeTemporaryAllocation(of: StepResult.self, capacity: max(count, 1)) { results in
            results.initialize(repeating: StepResult())
            defer { results.deinitialize() }
            fill(0, results: results.baseAddress!, step: &step, run: run)
            for (item, result) in zip(wanted, results) {
                check(result.isFinite, item)
                switch item.job.readout.kind {
                case .logprob: item.job.logprobs.append(result.logprob)
                case .top: item.job.tops.append(result.top)
                case .logits, .hidden: break
                }
            }
        }
    }

    /// Makes the array of one output around the arrays of those after it, and runs the step innermost.
    private mutating func fill(
        _ index: Int,
        results: UnsafeMutablePointer<StepResult>,
        step: inout Step,
        run: (Step) -> Void
    ) {
        guard index < wanted.count else { return run(step) }
        let item = wanted[index]
        let kind = item.job.readout.kind
        func add(_ target: UnsafeMutablePointer<Float>, to step: inout Step) {
            let result = results + index
            step.outputs.append(
                StepOutput(row: item.row, kind: kind, target: target, result: result, token: item.token)
            )
        }
        let (size, place): (Int, Int)
        switch kind {
        case .logits: (size, place) = (vocabulary, item.job.logits.count)
        case .hidden: (size, place) = (width, item.job.hidden.count)
        case .logprob, .top:
            var unused: Float = 0
            withUnsafeMutablePointer(to: &unused) { unused in
                add(unused, to: &step)
                fill(index + 1, results: results, step: &step, run: run)
            }
            return
        }
        let values = [Float](unsafeUninitializedCapacity: size) { buffer, count in
            add(buffer.baseAddress!, to: &step)
            fill(index + 1, results: results, step: &step, run: run)
            count = size
        }
        // Inner calls have added the outputs of later positions already.
        if kind == .logits {
            item.job.logits.insert(Logits(values), at: place)
        } else {
            item.job.hidden.insert(values, at: place)
        }
    }

    private mutating func check(_ isFinite: Bool, _ item: Wanted) {
        guard !isFinite else { return }
        // Weights that are no numbers have been refused when they were loaded.
        let message =
            "The model's output after token \(item.position) is not finite: its weights are so large that sums overflow."
        failures[ObjectIdentifier(item.job)] = CollabError(.notFinite, message)
    }
}
