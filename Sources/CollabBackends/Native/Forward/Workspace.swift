import CollabKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The buffers of a forward pass, allocated once a model.
///
/// A step with few rows is *replicated*: every worker keeps a residual stream and prepared activations of its own and
/// does the cheap row work again, which saves handing them over. A wide step shares one set and splits its rows.
final class Workspace {
    /// Steps up to this many rows are replicated.
    static let replicatedRows = 8
    /// Rows are shared in tiles of this many.
    static let tile = 8
    /// How many output rows go through the vocabulary's matrix together.
    static let outputRows = 32
    /// How many groups of its rows a worker takes at a time.
    static let outputGroups = 64

    /// The most rows of a step.
    let rows: Int
    let query: UnsafeMutablePointer<Float>
    let key: UnsafeMutablePointer<Float>
    let value: UnsafeMutablePointer<Float>
    /// What attention mixed, and what the last projection made of its input.
    let attention: UnsafeMutablePointer<Float>
    let projected: UnsafeMutablePointer<Float>
    let gate: UnsafeMutablePointer<Float>
    let up: UnsafeMutablePointer<Float>
    /// Rows that are read out, normalised.
    let output: UnsafeMutablePointer<Float>
    let outputBatch: ActivationBatch
    /// A worker's part of the logits of several rows.
    let slices: [UnsafeMutablePointer<Float>]
    /// A row's worth of scratch for each worker.
    let scratch: [UnsafeMutablePointer<Float>]
    /// Positions of the step's rows, and where what they see begins (`[group][row]`) and ends.
    let positions: UnsafeMutablePointer<Int32>
    let starts: UnsafeMutablePointer<Int32>
    let ends: UnsafeMutablePointer<Int32>

    private let sharedResidual: UnsafeMutablePointer<Float>
    private let ownResidual: [UnsafeMutablePointer<Float>]
    private let sharedBatches: Batches
    private let ownBatches: [Batches]
    private let allocations: [UnsafeMutableRawPointer]
    /// How many slices of ``outputGroups`` groups the vocabulary has.
    let outputSlices: Int
    /// Whether an output row's logits of a slice are finite: `[row · slices + slice]`.
    let finite: UnsafeMutablePointer<Bool>
    /// The largest logits, likewise; made when first needed.
    private(set) var tops: UnsafeMutablePointer<TopSlice>?
    /// Upper bounds of a row's logits; made when first needed.
    private(set) var bounds: UnsafeMutablePointer<Float>?
    /// For each worker a logit below which none is among the largest.
    let thresholds: UnsafeMutablePointer<Float>
    /// The logits of the tokens whose log-probabilities are wanted, a row each.
    let tokenLogits: UnsafeMutablePointer<Float>

    /// Components of what adapters read; made when first needed.
    private var components: UnsafeMutablePointer<Float>?
    private var componentCount = 0

    /// Prepared activations by what reads them.
    struct Batches {
        /// The residual stream, normalised.
        let residual: ActivationBatch
        /// The result of attention.
        let attention: ActivationBatch
        /// The bent gate.
        let gate: ActivationBatch

        init(_ configuration: TransformerConfiguration, rows: Int, precisions: Set<Precision>) {
            func batch(_ columns: Int) -> ActivationBatch {
                ActivationBatch(columns: columns, capacity: rows, precisions: precisions)
            }
            residual = batch(configuration.embeddingLength)
            attention = batch(configuration.queryLength)
            gate = batch(configuration.feedForwardLength)
        }

        func setCount(_ count: Int) {
            residual.count = count
            attention.count = count
            gate.count = count
        }
    }

    init(
        _ configuration: TransformerConfiguration,
        rows: Int,
        workers: Int,
        groups: Int,
        precisions: Set<Precision>
    ) {
        var blocks: [UnsafeMutableRawPointer] = []
        func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
            var memory: UnsafeMutableRawPointer?
            let status = posix_memalign(&memory, 64, max(bytes, 64))
            precondition(status == 0, "posix_memalign failed with \(status)")
            blocks.append(memory!)
            return memory!
        }
        func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
            allocate(count * 4).assumingMemoryBound(to: Float.self)
        }
        func integers(_ count: Int) -> UnsafeMutablePointer<Int32> {
            allocate(count * 4).assumingMemoryBound(to: Int32.self)
        }
        let width = configuration.embeddingLength
        self.rows = rows
        query = floats(rows * configuration.queryLength)
        key = floats(rows * configuration.keyValueLength)
        value = floats(rows * configuration.keyValueLength)
        attention = floats(rows * configuration.queryLength)
        projected = floats(rows * width)
        gate = floats(rows * configuration.feedForwardLength)
        up = floats(rows * configuration.feedForwardLength)
        output = floats(Self.outputRows * width)
        outputBatch = ActivationBatch(columns: width, capacity: Self.outputRows, precisions: precisions)
        slices = (0..<workers).map { _ in floats(Self.outputRows * Self.outputGroups * PackedMatrix.groupRows)
        }
        scratch = (0..<workers).map { _ in floats(width) }
        outputSlices =
            (configuration.vocabularySize + Self.outputGroups * PackedMatrix.groupRows - 1)
            / (Self.outputGroups * PackedMatrix.groupRows)
        finite = allocate(Self.outputRows * outputSlices).bindMemory(
            to: Bool.self,
            capacity: Self.outputRows * outputSlices
        )
        thresholds = floats(workers)
        tokenLogits = floats(Self.outputRows)
        positions = integers(rows)
        starts = integers(rows * groups)
        ends = integers(rows)
        sharedResidual = floats(rows * width)
        ownResidual = (0..<workers).map { _ in floats(Self.replicatedRows * width) }
        sharedBatches = Batches(configuration, rows: rows, precisions: precisions)
        ownBatches = (0..<workers).map { _ in
            Batches(configuration, rows: Self.replicatedRows, precisions: precisions)
        }
        allocations = blocks
    }

    deinit {
        for memory in allocations { free(memory) }
        components?.deallocate()
        bounds?.deallocate()
        tops?.deinitialize(count: Self.outputRows * outputSlices)
        tops?.deallocate()
    }

    /// Makes room for what is known of slices, if the step asks for what needs it.
    func prepareReadout(_ step: Step, vocabulary count: Int) {
        let asksForTops = step.outputs.contains {
            if case .top = $0.kind { true } else { $0.kind == .logprob }
        }
        if tops == nil, asksForTops {
            tops = .allocate(capacity: Self.outputRows * outputSlices)
            tops?.initialize(repeating: TopSlice(), count: Self.outputRows * outputSlices)
        }
        let asksForBounds = step.outputs.contains {
            if case .top(_, normalized: false) = $0.kind { true } else { false }
        }
        if bounds == nil, asksForBounds {
            bounds = .allocate(capacity: count)
        }
    }

    /// Room for some components of what adapters read.
    func components(_ count: Int) -> UnsafeMutablePointer<Float> {
        if let components, componentCount >= count { return components }
        components?.deallocate()
        componentCount = max(count, 1)
        let room = UnsafeMutablePointer<Float>.allocate(capacity: componentCount)
        components = room
        return room
    }

    /// Roughly the bytes that a workspace takes.
    static func bytes(_ configuration: TransformerConfiguration, rows: Int, workers: Int) -> Int {
        let wide =
            3 * configuration.embeddingLength + 3 * configuration.queryLength
            + 2 * configuration.keyValueLength + 3 * configuration.feedForwardLength
        return (rows + workers * replicatedRows) * wide * 4 + workers * outputRows * outputGroups * 64
    }

    /// The bytes of what ``prepareReadout(_:vocabulary:)`` makes when everything has been asked for.
    static func readoutBytes(_ configuration: TransformerConfiguration) -> Int {
        let slice = outputGroups * PackedMatrix.groupRows
        let slices = (configuration.vocabularySize + slice - 1) / slice
        return configuration.vocabularySize * 4
            + outputRows * slices * MemoryLayout<TopSlice>.stride
    }

    /// The residual stream that a worker reads and writes.
    func residual(_ worker: Int, replicated: Bool) -> UnsafeMutablePointer<Float> {
        replicated ? ownResidual[worker] : sharedResidual
    }

    /// The prepared activations that a worker reads and writes.
    func batches(_ worker: Int, replicated: Bool) -> Batches {
        replicated ? ownBatches[worker] : sharedBatches
    }

    /// Says how many rows the next step has.
    func setCount(_ count: Int) {
        if count > Self.replicatedRows {
            sharedBatches.setCount(count)
        } else {
            for batches in ownBatches { batches.setCount(count) }
        }
    }
}
