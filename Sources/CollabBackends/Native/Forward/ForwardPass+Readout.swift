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
            if batch.contains(where: { $0.kind != .hidden }) {
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
            if output.kind == .hidden { output.target.update(from: target, count: width) }
        }
        workspace.outputBatch.prepare(
            rows: mine,
            from: workspace.output + mine.lowerBound * width,
            stride: width
        )
    }

    /// A worker's share of the vocabulary; a single row is written where it goes, several slice by slice.
    private func multiplyOutputs(_ batch: ArraySlice<StepOutput>, _ worker: Int) {
        let matrix = weights.output
        let share = share(of: matrix.groupCount, worker)
        let isDirect = batch.count == 1
        var group = share.lowerBound
        while group < share.upperBound {
            let end = isDirect ? share.upperBound : min(group + Workspace.outputGroups, share.upperBound)
            let columns = group * PackedMatrix.groupRows..<min(end * PackedMatrix.groupRows, matrix.rows)
            let targets = batch.enumerated().map { logits(of: $1, index: $0) }
            if isDirect {
                matrix.multiply(
                    workspace.outputBatch,
                    into: targets[0],
                    stride: matrix.rows,
                    groups: group..<end
                )
            } else {
                matrix.multiply(workspace.outputBatch, slice: group..<end, into: workspace.slices[worker])
            }
            for (index, target) in targets.enumerated() where batch[batch.startIndex + index].kind != .hidden
            {
                let part = target + columns.lowerBound
                if !isDirect {
                    part.update(from: workspace.slices[worker] + index * columns.count, count: columns.count)
                }
                if let cap = configuration.finalSoftCap {
                    VectorKernels.softcap(part, cap: cap, count: columns.count, into: part)
                }
            }
            group = end
        }
    }

    /// Where the logits of an output go: to their taker, or to scratch memory if only a log-probability is wanted.
    private func logits(of output: StepOutput, index: Int) -> UnsafeMutablePointer<Float> {
        output.kind == .logprob
            ? workspace.vocabulary! + index * configuration.vocabularySize : output.target
    }

    /// log p(token) = logit − log Σ exp, for the rows of which only that is wanted.
    private func score(_ batch: ArraySlice<StepOutput>, _ worker: Int) {
        for index in share(of: batch.count, worker) {
            let output = batch[batch.startIndex + index]
            guard output.kind == .logprob else { continue }
            let logits = UnsafeBufferPointer(
                start: logits(of: output, index: index),
                count: configuration.vocabularySize
            )
            output.target.pointee = Float(Double(logits[Int(output.token)]) - Distribution.logSumExp(logits))
        }
    }
}
