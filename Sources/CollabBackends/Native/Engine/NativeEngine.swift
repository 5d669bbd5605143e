import Collab
import CollabKernels

/// One loaded model at work: a thread of its own takes the tokens of all sequences through the weights together.
///
/// Jobs that wait at the same time become one step, so several sequences cost little more than one. The thread parks
/// while there is nothing to do and never occupies Swift's cooperative pool.
final class NativeEngine: Sendable {
    let weights: Weights
    let keyValues: KeyValuePool
    /// What sessions are told apart by.
    let identity: ModelIdentity
    /// How many rows have gone through the model.
    let rowsComputed = Protected(0)
    private let queue = JobQueue()

    init(
        weights: Weights,
        precision: Precision,
        threads: Int,
        stepRows: Int = 512,
        memoryLimit: Int?,
        promptCacheLimit: Int = NativeOptions.defaultPromptCacheLimit,
        keyValueFormat: KeyValueFormat? = nil,
        identity: ModelIdentity
    ) throws(CollabError) {
        self.weights = weights
        self.identity = identity
        let configuration = weights.configuration
        let groups = LayerGroup.groups(of: configuration)
        var stepRows = stepRows
        func workspaceBytes() -> Int { Workspace.bytes(configuration, rows: stepRows, workers: threads) }
        // A small file can claim widths whose buffers would be many times its size: such a model takes small steps.
        while stepRows > 8, workspaceBytes() > weights.byteCount + 32 << 20 { stepRows /= 2 }
        let workspace = workspaceBytes()
        guard workspace < Machine.physicalMemory else {
            let message = "A model of these sizes needs \(workspace) bytes of buffers; the machine has "
            throw CollabError(.memoryLimit, message + "\(Machine.physicalMemory).")
        }
        var left: Int?
        if let memoryLimit {
            // Rooms that only some questions need count from the start, so that no later question breaks the limit.
            let fixed = weights.byteCount + workspace + Workspace.readoutBytes(configuration)
            guard fixed < memoryLimit else {
                let message =
                    "Weights and buffers take \(fixed) bytes, which leaves nothing of the memory limit of "
                throw CollabError(.memoryLimit, message + "\(memoryLimit) for keys and values.")
            }
            left = memoryLimit - fixed
        }
        keyValues = KeyValuePool(
            shape: AttentionShape(
                kvHeads: configuration.keyValueHeadCount,
                headDimension: configuration.headDimension,
                format: keyValueFormat ?? (precision == .float ? .float32 : .float16)
            ),
            groups: groups,
            limit: left,
            promptCacheLimit: promptCacheLimit
        )
        let loop = try EngineLoop(
            weights: weights,
            keyValues: keyValues,
            queue: queue,
            rows: stepRows,
            threads: threads,
            precision: precision,
            rowsComputed: rowsComputed
        )
        try loop.start()
    }

    /// How many jobs have not been picked up yet.
    var waitingJobs: Int { queue.count }

    /// Says that a job will come at once; see ``JobQueue/announce()``.
    func announce() { queue.announce() }

    /// Takes an announcement back, whether or not the job has come.
    func withdraw() { queue.withdraw() }

    deinit {
        queue.close()
        // Remembered sequences keep the store alive, and it keeps them.
        keyValues.prefixes.removeAll()
    }

    /// Appends tokens to a sequence, computes them and returns what was asked for.
    ///
    /// The sequence that comes back is the given one, unchanged, if anything fails. A text that begins as one does that
    /// is being computed waits for it; one that is a prompt is also looked for among earlier ones, and remembered.
    func run(
        _ sequence: sending KeyValueSequence,
        appending tokens: [TokenID],
        readout: Readout,
        probe: ActivationProbe? = nil,
        isPrompt: Bool = false
    ) async -> EngineJob.Outcome {
        let count = sequence.count
        var sequence = sequence
        sequence.append(tokens)
        let job = EngineJob(
            sequence: sequence,
            previousCount: count,
            readout: readout,
            probe: probe,
            isPrompt: isPrompt
        )
        sequence = sequence.emptied()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                job.waits(continuation)
                queue.submit(job)
            }
        } onCancel: {
            job.cancel()
        }
    }
}
