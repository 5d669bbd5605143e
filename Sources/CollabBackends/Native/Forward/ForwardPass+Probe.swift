import Collab
import CollabKernels

// Watching the vectors that enter matrices. A step without probes does nothing here.
extension ForwardPass {
    /// Shows the rows of a buffer to the probes of their segments.
    func observe(
        _ source: UnsafeMutablePointer<Float>,
        columns: Int,
        as tensors: [LayerTensor],
        _ layer: Int,
        _ worker: Int
    ) {
        guard worker == 0 else { return }
        for segment in step.segments {
            guard let probe = segment.probe else { continue }
            for row in segment.rows {
                let vector = UnsafeBufferPointer(start: source + row * columns, count: columns)
                for tensor in tensors {
                    probe.observe(layer, tensor, segment.start + row - segment.rows.lowerBound, vector)
                }
            }
        }
    }

    /// Shows the normalised residual stream to the probes.
    func observeNormalised(_ weight: [Float], as tensors: [LayerTensor], _ layer: Int, _ worker: Int) {
        guard worker == 0, step.segments.contains(where: { $0.probe != nil }) else { return }
        let width = configuration.embeddingLength
        let residual = workspace.residual(worker, replicated: isReplicated)
        let copy = UnsafeMutablePointer<Float>.allocate(capacity: step.rowCount * width)
        defer { copy.deallocate() }
        copy.update(from: residual, count: step.rowCount * width)
        for row in 0..<step.rowCount {
            let vector = copy + row * width
            VectorKernels.rmsNorm(
                vector,
                weight: weight,
                epsilon: configuration.normEpsilon,
                count: width,
                into: vector
            )
        }
        observe(copy, columns: width, as: tensors, layer, worker)
    }
}
