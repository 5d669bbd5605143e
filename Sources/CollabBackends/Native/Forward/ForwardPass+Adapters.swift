import Collab
import CollabKernels

/// Rows of a step that adapters change, and where the components of their inputs go.
struct AdaptedRows {
    var rows: Range<Int>
    var adapters: AdapterSet
    /// The components of the first row; those of the next follow ``AdapterSet/mostComponents`` further on.
    var components: UnsafeMutablePointer<Float>
}

// Low-rank changes that are added while the model runs. A step without adapters does nothing here.
//
// The components A x of a row are shared out among the workers; then each adds B (A x) to the outputs that it has
// multiplied itself. Sums are in float32 and in the order of the rank, whoever computes them, so that results do not
// depend on the step's other rows. Shares of outputs begin at multiples of a group of rows, which are whole vectors.
extension ForwardPass {
    /// Finds the rows that adapters change.
    func layOutAdapters() {
        adapted.removeAll(keepingCapacity: true)
        guard step.segments.contains(where: { $0.adapters != nil }) else { return }
        let needed = step.segments.reduce(0) { $0 + $1.rows.count * ($1.adapters?.mostComponents ?? 0) }
        var components = workspace.components(needed)
        for segment in step.segments {
            guard let adapters = segment.adapters else { continue }
            adapted.append(AdaptedRows(rows: segment.rows, adapters: adapters, components: components))
            components += segment.rows.count * adapters.mostComponents
        }
    }

    /// Where the adapted ones among the rows that are read out come to lie.
    func narrowAdapters(to wanted: [Int]) {
        adapted = adapted.compactMap { part in
            guard let first = wanted.firstIndex(where: { part.rows.contains($0) }) else { return nil }
            var part = part
            part.rows = first..<first + wanted[first...].prefix { part.rows.contains($0) }.count
            return part
        }
    }

    /// Computes A x for the matrices of a layer that read an input, and waits until all workers have.
    func projectOntoAdapters(_ input: AdapterSet.Input, _ layer: Int, _ worker: Int) {
        guard !adapted.isEmpty else { return }
        let total = adapted.reduce(0) {
            $0 + $1.rows.count * ($1.adapters[layer, input]?.components ?? 0)
        }
        guard total > 0 else { return }
        let mine = share(of: total, worker)
        var first = 0
        for part in adapted {
            guard let changes = part.adapters[layer, input] else { continue }
            changes.rows.withUnsafeBufferPointer { factors in
                for row in part.rows {
                    let units = (first..<first + changes.components).clamped(to: mine)
                    if !units.isEmpty {
                        let vector = adapterInput(input, row: row, layer, worker)
                        let target =
                            part.components + (row - part.rows.lowerBound) * part.adapters.mostComponents
                        for component in units.lowerBound - first..<units.upperBound - first {
                            target[component] =
                                component == changes.spread
                                ? standardDeviation(vector.start, count: vector.count)
                                : VectorKernels.dot(
                                    vector.start,
                                    factors.baseAddress! + component * vector.count,
                                    count: vector.count
                                )
                        }
                    }
                    first += changes.components
                }
            }
        }
        pool.barrier()
    }

    /// Adds what adapters make of a matrix's input to some of its outputs.
    func addAdapters(
        to target: UnsafeMutablePointer<Float>,
        _ tensor: LayerTensor,
        _ layer: Int,
        outputs: Range<Int>
    ) {
        guard !adapted.isEmpty, let input = tensor.adapterInput else { return }
        for part in adapted {
            guard let changes = part.adapters[layer, input] else { continue }
            if changes.hasGains { scale(target, by: changes, of: part, tensor, outputs: outputs) }
            for update in changes.updates where update.tensor == tensor {
                update.columns.withUnsafeBufferPointer { columns in
                    for row in part.rows {
                        let components =
                            part.components + (row - part.rows.lowerBound) * part.adapters.mostComponents
                        let share = update.choice?.share(of: components) ?? 1
                        if share == 0 { continue }
                        for (index, component) in update.components.enumerated() {
                            VectorKernels.add(
                                share * components[component],
                                times: columns.baseAddress! + index * update.rows + outputs.lowerBound,
                                count: outputs.count,
                                to: target + row * update.rows + outputs.lowerBound
                            )
                        }
                    }
                }
            }
        }
    }

    /// Multiplies outputs of W x by what adapters that give its rows lengths make of them, all together.
    private func scale(
        _ target: UnsafeMutablePointer<Float>,
        by changes: AdapterSet.Changes,
        of part: AdaptedRows,
        _ tensor: LayerTensor,
        outputs: Range<Int>
    ) {
        let updates = changes.updates.filter { $0.tensor == tensor && $0.gains != nil }
        for row in part.rows {
            let components = part.components + (row - part.rows.lowerBound) * part.adapters.mostComponents
            let shares = updates.map { $0.choice?.share(of: components) ?? 1 }
            for output in outputs {
                var factor: Float = 1
                for (update, share) in zip(updates, shares) { factor += share * (update.gains?[output] ?? 0) }
                target[row * (updates.first?.rows ?? 0) + output] *= factor
            }
        }
    }

    /// The vector that a row's matrices read, in float32.
    private func adapterInput(
        _ input: AdapterSet.Input,
        row: Int,
        _ layer: Int,
        _ worker: Int
    ) -> (start: UnsafePointer<Float>, count: Int) {
        let block = weights.layers[layer]
        let width = configuration.embeddingLength
        switch input {
        case .attention, .feedForward:
            let scratch = workspace.scratch[worker]
            VectorKernels.rmsNorm(
                workspace.residual(worker, replicated: isReplicated) + row * width,
                weight: input == .attention ? block.attentionNorm : block.feedForwardNorm,
                epsilon: configuration.normEpsilon,
                count: width,
                into: scratch
            )
            return (UnsafePointer(scratch), width)
        case .attentionOutput:
            let length = configuration.queryLength
            return (UnsafePointer(workspace.attention + row * length), length)
        case .down:
            let length = configuration.feedForwardLength
            return (UnsafePointer(workspace.gate + row * length), length)
        }
    }
}

/// √(Σ (x − mean)² ∕ n), in double precision.
private func standardDeviation(_ vector: UnsafePointer<Float>, count: Int) -> Float {
    var (sum, squares) = (0.0, 0.0)
    for place in 0..<count { sum += Double(vector[place]) }
    let mean = sum / Double(count)
    for place in 0..<count {
        let difference = Double(vector[place]) - mean
        squares += difference * difference
    }
    return Float((squares / Double(count)).squareRoot())
}
