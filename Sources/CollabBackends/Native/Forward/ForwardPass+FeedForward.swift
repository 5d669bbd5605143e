import Collab
import CollabKernels

extension ForwardPass {
    /// How many groups of gate and up rows are computed before they are bent together, in a wide step: their values
    /// are then still in the cache.
    private static let groupsAtOnce = 8

    /// Gate and up, the activation, and the projection of its result.
    func feedForward(_ layer: Int, _ block: Weights.Layer, _ worker: Int) {
        observeNormalised(block.feedForwardNorm, as: [.gate, .up], layer, worker)
        projectOntoAdapters(.feedForward, layer, worker)
        let batches = workspace.batches(worker, replicated: isReplicated)
        let width = configuration.feedForwardLength
        let share = share(of: block.gate.groupCount, worker)
        var group = share.lowerBound
        while group < share.upperBound {
            let end = isReplicated ? share.upperBound : min(group + Self.groupsAtOnce, share.upperBound)
            block.gate.multiply(batches.residual, into: workspace.gate, stride: width, groups: group..<end)
            block.up.multiply(batches.residual, into: workspace.up, stride: width, groups: group..<end)
            let columns = group * PackedMatrix.groupRows..<min(end * PackedMatrix.groupRows, width)
            addAdapters(to: workspace.gate, .gate, layer, outputs: columns)
            addAdapters(to: workspace.up, .up, layer, outputs: columns)
            for row in 0..<rowCount {
                let gate = workspace.gate + row * width + columns.lowerBound
                let up = workspace.up + row * width + columns.lowerBound
                switch configuration.activation {
                case .swish: VectorKernels.swiGLU(gate: gate, up: up, count: columns.count, into: gate)
                case .gelu: VectorKernels.geGLU(gate: gate, up: up, count: columns.count, into: gate)
                }
            }
            group = end
        }
        pool.barrier()
        observe(workspace.gate, columns: width, as: [.down], layer, worker)
        prepare(workspace.gate, for: batches.gate, worker)
        projectOntoAdapters(.down, layer, worker)
        multiply(
            batches.gate,
            by: block.down,
            .down,
            layer,
            into: workspace.projected,
            self.share(of: block.down.groupCount, worker)
        )
        pool.barrier()
    }
}
