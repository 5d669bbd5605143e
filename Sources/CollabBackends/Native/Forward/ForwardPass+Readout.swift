import Collab
import CollabKernels

extension ForwardPass {
    /// The final norm and the vocabulary's matrix, for the rows that are read out.
    func readOut(_ worker: Int) {
        guard !step.outputs.isEmpty else { return }
        settle()
        var first = 0
        while first < step.outputs.count {
            let batch = step.outputs[first..<min(first + Workspace.outputRows, step.outputs.count)]
            if worker == 0 { workspace.outputBatch.count = batch.count }
            pool.barrier()
            normaliseOutputs(batch, worker)
            pool.barrier()
            if findsTop(batch, worker) {
                // Bounds were enough.
            } else if batch.contains(where: { $0.kind != .hidden }) {
                multiplyOutputs(batch, worker)
                pool.barrier()
                score(batch, worker)
            }
            first += batch.count
        }
    }

    /// Brings the rows together, normalised; each worker a share of whole tiles.
    private func normaliseOutputs(_ batch: ArraySlice<StepOutput>, _ worker: Int) {
        let width = configuration.embeddingLength
        let residual = workspace.residual(worker, replicated: isReplicated)
        let mine = share(of: batch.count, unit: Workspace.tile, worker)
        for index in mine {
            let place = batch.startIndex + index
            let output = batch[place]
            // After narrowing the rows that are read out lie side by side, in order.
            let row = wanted == nil ? output.row : place
            let target = workspace.output + index * width
            VectorKernels.rmsNorm(
                residual + row * width,
                weight: weights.outputNorm,
                epsilon: configuration.normEpsilon,
                count: width,
                into: target
            )
            if output.kind == .hidden {
                output.target.update(from: target, count: width)
                output.result.pointee.isFinite = VectorKernels.dot(target, target, count: width).isFinite
            }
        }
        workspace.outputBatch.prepare(
            rows: mine,
            from: workspace.output + mine.lowerBound * width,
            stride: width
        )
    }

    /// A worker's share of the vocabulary, slice by slice while its logits are in the cache; a single row that is
    /// handed out is written where it goes.
    private func multiplyOutputs(_ batch: ArraySlice<StepOutput>, _ worker: Int) {
        let matrix = weights.output
        let targets = batch.map(target)
        let direct = targets.count == 1 ? targets[0] : nil
        // Slices are the same whatever the number of workers, and so are sums over them.
        for slice in share(of: workspace.outputSlices, worker) {
            let groups =
                slice * Workspace.outputGroups..<min((slice + 1) * Workspace.outputGroups, matrix.groupCount)
            let first = groups.lowerBound * PackedMatrix.groupRows
            let count = min(groups.upperBound * PackedMatrix.groupRows, matrix.rows) - first
            if let direct {
                matrix.multiply(workspace.outputBatch, into: direct, stride: matrix.rows, groups: groups)
            } else {
                matrix.multiply(workspace.outputBatch, slice: groups, into: workspace.slices[worker])
            }
            for (index, output) in batch.enumerated() where output.kind != .hidden {
                let logits = direct.map { $0 + first } ?? workspace.slices[worker] + index * count
                if let cap = configuration.finalSoftCap {
                    VectorKernels.softcap(logits, cap: cap, count: count, into: logits)
                }
                switch output.kind {
                case .hidden: break
                case .top(let wanted, _):
                    workspace.tops![index * workspace.outputSlices + slice] = TopSlice(
                        wanted,
                        of: UnsafeBufferPointer(start: logits, count: count),
                        first: first
                    )
                case .logprob:
                    workspace.tops![index * workspace.outputSlices + slice] = TopSlice(
                        sumOf: UnsafeBufferPointer(start: logits, count: count)
                    )
                    let place = Int(output.token) - first
                    if (0..<count).contains(place) { workspace.tokenLogits[index] = logits[place] }
                case .logits:
                    let isFinite = VectorKernels.dot(logits, logits, count: count).isFinite
                    workspace.finite[index * workspace.outputSlices + slice] = isFinite
                    if direct == nil, let target = targets[index] {
                        (target + first).update(from: logits, count: count)
                    }
                }
            }
        }
    }

    /// Where the logits of an output go: to their taker, or nowhere.
    private func target(of output: StepOutput) -> UnsafeMutablePointer<Float>? {
        switch output.kind {
        case .logits: output.target
        case .logprob, .top, .hidden: nil
        }
    }

    /// What is said about whole rows: whether they are finite, log p(token) = logit − log Σ exp, the largest.
    private func score(_ batch: ArraySlice<StepOutput>, _ worker: Int) {
        for index in share(of: batch.count, worker) {
            let output = batch[batch.startIndex + index]
            let slices = index * workspace.outputSlices..<(index + 1) * workspace.outputSlices
            switch output.kind {
            case .hidden: break
            case .top(let wanted, let normalized):
                var top = TopSlice.joined(wanted, slices.map { workspace.tops![$0] })
                output.result.pointee.isFinite = top.logSumExp?.isFinite ?? false
                if !normalized { top.logSumExp = nil }
                output.result.pointee.top = top
            case .logits:
                output.result.pointee.isFinite = slices.allSatisfy { workspace.finite[$0] }
            case .logprob:
                let sum = TopSlice.sum(
                    of: UnsafeBufferPointer(start: workspace.tops!, count: slices.upperBound)[slices]
                )
                let logprob = Float(Double(workspace.tokenLogits[index]) - sum)
                output.result.pointee.logprob = logprob
                output.result.pointee.isFinite = logprob.isFinite
            }
        }
    }
}
