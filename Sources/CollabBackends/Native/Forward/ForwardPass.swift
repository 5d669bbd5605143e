import Collab
import CollabKernels

/// The transformer: takes the rows of a step from tokens to logits.
///
/// All workers run the same code side by side and meet at barriers. Each takes a contiguous share of a matrix's rows,
/// always the same, so that its part of the weights stays in its core's caches. A number is computed in the same
/// order whoever computes it, so results depend neither on the number of workers nor on the other rows.
final class ForwardPass {
    let weights: Weights
    let shape: AttentionShape
    let groups: [LayerGroup]
    let workspace: Workspace
    /// By layer: the group that its keys and values are in, and where.
    let places: [(group: Int, index: Int)]
    /// By layer: which table turns its positions; `nil` for a layer without positions.
    let rotaryOfLayer: [Int?]
    var rotaries: [RotaryTable]
    /// The step in progress, and the team that runs it.
    var step = Step()
    var pool: WorkerPool
    /// Pointers to the pages of every segment and layer.
    var pages: [UnsafeRawPointer?] = []
    /// Where a segment's pages of a layer begin in `pages`: `[segment · layers + layer]`.
    var pageOffsets: [Int] = []

    /// The rows that adapters change.
    var adapted: [AdaptedRows] = []

    /// How many rows are left to compute: after the last layer's keys and values only those that are read out.
    private(set) var rowCount = 0
    /// The rows that are read out, ascending, if they are not all.
    private(set) var wanted: [Int]?
    /// Who attends to what, by layer group; and in the last layer, if only some rows are wanted.
    private var plans: [AttentionPlan] = []
    private var lastPlans: [AttentionPlan] = []

    var configuration: TransformerConfiguration { weights.configuration }
    /// Whether every worker keeps rows of its own.
    var isReplicated: Bool { rowCount <= Workspace.replicatedRows }

    init(
        weights: Weights,
        keyValues: KeyValuePool,
        rows: Int,
        pool: WorkerPool,
        precisions: Set<Precision>
    ) {
        self.weights = weights
        self.pool = pool
        shape = keyValues.shape
        groups = keyValues.groups
        let configuration = weights.configuration
        var places = Array(repeating: (group: 0, index: 0), count: configuration.layers.count)
        for (group, description) in keyValues.groups.enumerated() {
            for (index, layer) in description.layers.enumerated() { places[layer] = (group, index) }
        }
        self.places = places
        var rotations: [TransformerConfiguration.Rotation] = []
        rotaryOfLayer = configuration.layers.map { layer in
            guard let rotation = layer.rotation else { return nil }
            if let known = rotations.firstIndex(of: rotation) { return known }
            rotations.append(rotation)
            return rotations.count - 1
        }
        rotaries = rotations.map { RotaryTable($0, dimension: configuration.rotaryDimension) }
        workspace = Workspace(
            configuration,
            rows: rows,
            workers: pool.workers,
            groups: keyValues.groups.count,
            precisions: precisions
        )
    }

    /// Runs a step on a team of workers, no more than the one that the pass was made with.
    func run(_ step: Step, on pool: WorkerPool) {
        self.step = step
        self.pool = pool
        rowCount = step.rowCount
        wanted = Self.wantedRows(of: step)
        workspace.setCount(rowCount)
        workspace.prepareReadout(step, vocabulary: configuration.vocabularySize)
        layOutPositions()
        layOutPages()
        layOutAdapters()
        plans = makePlans(wanted: nil)
        lastPlans = wanted == nil ? [] : makePlans(wanted: wanted)
        // The workers share this object for the length of the run and write disjoint rows between barriers.
        nonisolated(unsafe) let pass = self
        pool.run { worker in pass.run(worker) }
        self.step = Step()
        adapted.removeAll(keepingCapacity: true)
    }

    /// The rows that the end of the last layer can leave alone are those that are neither read out nor watched.
    private static func wantedRows(of step: Step) -> [Int]? {
        let rows = step.outputs.map(\.row)
        guard rows.count < step.rowCount, zip(rows, rows.dropFirst()).allSatisfy({ $0 < $1 }),
            step.segments.allSatisfy({ $0.probe == nil })
        else { return nil }
        return rows
    }

    /// Positions and visible ranges of every row.
    private func layOutPositions() {
        for segment in step.segments {
            for row in segment.rows {
                let position = segment.start + row - segment.rows.lowerBound
                workspace.positions[row] = Int32(position)
                workspace.ends[row] = Int32(position + 1)
                for (group, description) in groups.enumerated() {
                    let first = description.window.map { max(0, position - $0 + 1) } ?? 0
                    workspace.starts[group * workspace.rows + row] = Int32(first)
                }
            }
            for table in rotaries.indices { rotaries[table].extend(to: segment.start + segment.rows.count) }
        }
    }

    /// Who attends to what, by layer group.
    private func makePlans(wanted: [Int]?) -> [AttentionPlan] {
        groups.indices.map { group in
            AttentionPlan(
                segments: step.segments.map(\.rows),
                wanted: wanted,
                heads: (configuration.headCount, configuration.headCount / configuration.keyValueHeadCount),
                workers: pool.workers
            ) { row in
                Int(workspace.ends[row] - workspace.starts[group * workspace.rows + row])
            }
        }
    }

    /// Where the keys and values of every segment are, layer by layer.
    private func layOutPages() {
        pages.removeAll(keepingCapacity: true)
        pageOffsets.removeAll(keepingCapacity: true)
        for segment in step.segments {
            for place in places {
                pageOffsets.append(pages.count)
                let offset = place.index * shape.pageBytes
                for block in segment.blocks[place.group] {
                    pages.append(block.map { UnsafeRawPointer($0.memory + offset) })
                }
            }
        }
    }

    /// What one worker does.
    private func run(_ worker: Int) {
        embed(worker)
        for layer in configuration.layers.indices {
            let block = weights.layers[layer]
            normalise(block.attentionNorm, worker)
            makeKeysAndValues(layer, block, worker)
            if layer == configuration.layers.count - 1, let wanted {
                guard !wanted.isEmpty else { return }
                narrow(to: wanted, layer, worker)
            } else {
                mix(layer, worker, by: plans)
                pool.barrier()
            }
            projectAttention(layer, block, worker)
            join(block.postAttentionNorm, bias: block.attentionOutputBias, worker)
            normalise(block.feedForwardNorm, worker)
            feedForward(layer, block, worker)
            join(block.postFeedForwardNorm, worker)
        }
        readOut(worker)
    }

    /// Attention of the rows that are read out; from here on they are the only ones.
    private func narrow(to wanted: [Int], _ layer: Int, _ worker: Int) {
        let wasReplicated = isReplicated
        mix(layer, worker, by: lastPlans)
        pool.barrier()
        let source = workspace.residual(worker, replicated: wasReplicated)
        let isReplicated = wanted.count <= Workspace.replicatedRows
        // Rows only move towards the front, so a worker can move its own, or the one that is shared, in place.
        if isReplicated || worker == 0 {
            let width = configuration.embeddingLength
            let target = workspace.residual(worker, replicated: isReplicated)
            for (index, row) in wanted.enumerated() where source + row * width != target + index * width {
                (target + index * width).update(from: source + row * width, count: width)
            }
        }
        pool.barrier()
        if worker == 0 {
            rowCount = wanted.count
            workspace.setCount(rowCount)
            narrowAdapters(to: wanted)
        }
        pool.barrier()
    }

    // MARK: Sharing the work

    /// The rows that a worker prepares: all of them in a replicated step, whole tiles otherwise.
    func rows(_ worker: Int) -> Range<Int> {
        isReplicated ? 0..<rowCount : share(of: rowCount, unit: Workspace.tile, worker)
    }

    /// A worker's contiguous share of `count` things handed out in units.
    func share(of count: Int, unit: Int = 1, _ worker: Int) -> Range<Int> {
        let units = pool.share(of: (count + unit - 1) / unit, worker: worker)
        return min(units.lowerBound * unit, count)..<min(units.upperBound * unit, count)
    }

    /// Waits for the other workers where rows are shared.
    func settle() {
        if !isReplicated { pool.barrier() }
    }

    /// Multiplies prepared activations with the part of a matrix's rows that lies in a share of several matrices'
    /// rows, of which this one's begin at group `first`, and adds what adapters make of them.
    func multiply(
        _ batch: ActivationBatch,
        by matrix: PackedMatrix,
        _ tensor: LayerTensor,
        _ layer: Int,
        into target: UnsafeMutablePointer<Float>,
        _ share: Range<Int>,
        after first: Int = 0
    ) {
        let lower = max(share.lowerBound - first, 0)
        let upper = min(share.upperBound - first, matrix.groupCount)
        guard lower < upper else { return }
        matrix.multiply(batch, into: target, stride: matrix.rows, groups: lower..<upper)
        let outputs = lower * PackedMatrix.groupRows..<min(upper * PackedMatrix.groupRows, matrix.rows)
        addAdapters(to: target, tensor, layer, outputs: outputs)
    }

    // MARK: Rows

    /// Puts the tokens' embeddings into the residual stream.
    private func embed(_ worker: Int) {
        let width = configuration.embeddingLength
        let residual = workspace.residual(worker, replicated: isReplicated)
        let mine = rows(worker)
        for segment in step.segments {
            for row in segment.rows.clamped(to: mine) {
                let token = segment.tokens[segment.tokens.startIndex + row - segment.rows.lowerBound]
                let target = residual + row * width
                weights.embedding.copyRow(Int(token), into: target)
                if configuration.embeddingScale != 1 {
                    VectorKernels.scale(target, by: configuration.embeddingScale, count: width, into: target)
                }
            }
        }
    }

    /// Prepares the normalised residual stream for the next matrices.
    private func normalise(_ weight: [Float], _ worker: Int) {
        let width = configuration.embeddingLength
        let mine = rows(worker)
        workspace.batches(worker, replicated: isReplicated).residual.prepareNormalized(
            rows: mine,
            from: workspace.residual(worker, replicated: isReplicated) + mine.lowerBound * width,
            stride: width,
            weight: weight,
            epsilon: configuration.normEpsilon
        )
        settle()
    }

    /// Prepares rows as they are for the next matrix.
    func prepare(_ source: UnsafeMutablePointer<Float>, for batch: ActivationBatch, _ worker: Int) {
        let mine = rows(worker)
        batch.prepare(rows: mine, from: source + mine.lowerBound * batch.columns, stride: batch.columns)
        settle()
    }

    /// Adds a block's projected output to the residual stream.
    private func join(_ norm: [Float]?, bias: [Float]? = nil, _ worker: Int) {
        let width = configuration.embeddingLength
        let residual = workspace.residual(worker, replicated: isReplicated)
        let scratch = workspace.scratch[worker]
        for row in rows(worker) {
            var source = workspace.projected + row * width
            if let bias {
                // Rows may be shared by replicating workers, so they are not changed in place.
                scratch.update(from: source, count: width)
                VectorKernels.add(bias, count: width, to: scratch)
                source = scratch
            }
            if let norm {
                let epsilon = configuration.normEpsilon
                VectorKernels.rmsNorm(source, weight: norm, epsilon: epsilon, count: width, into: scratch)
                source = scratch
            }
            VectorKernels.add(source, count: width, to: residual + row * width)
        }
    }
}
