import Collab
import CollabKernels

extension ForwardPass {
    /// Queries, keys, values and their positions.
    func makeKeysAndValues(_ layer: Int, _ block: Weights.Layer, _ worker: Int) {
        observeNormalised(block.attentionNorm, as: [.query, .key, .value], layer, worker)
        projectOntoAdapters(.attention, layer, worker)
        let batches = workspace.batches(worker, replicated: isReplicated)
        // The three matrices count as one, of which each worker has a contiguous share.
        let (queries, keys) = (block.query.groupCount, block.key.groupCount)
        let mine = share(of: queries + keys + block.value.groupCount, worker)
        multiply(batches.residual, by: block.query, .query, layer, into: workspace.query, mine)
        multiply(batches.residual, by: block.key, .key, layer, into: workspace.key, mine, after: queries)
        let values = queries + keys
        multiply(
            batches.residual,
            by: block.value,
            .value,
            layer,
            into: workspace.value,
            mine,
            after: values
        )
        pool.barrier()
        for row in share(of: rowCount, worker) { store(row, layer, block) }
        pool.barrier()
    }

    /// The projection of what attention mixed.
    func projectAttention(_ layer: Int, _ block: Weights.Layer, _ worker: Int) {
        let batches = workspace.batches(worker, replicated: isReplicated)
        observe(
            workspace.attention,
            columns: configuration.queryLength,
            as: [.attentionOutput],
            layer,
            worker
        )
        prepare(workspace.attention, for: batches.attention, worker)
        projectOntoAdapters(.attentionOutput, layer, worker)
        multiply(
            batches.attention,
            by: block.attentionOutput,
            .attentionOutput,
            layer,
            into: workspace.projected,
            share(of: block.attentionOutput.groupCount, worker)
        )
        pool.barrier()
    }

    /// Adds one row's biases, normalises and turns its queries and keys, and puts its keys and values into the store.
    private func store(_ row: Int, _ layer: Int, _ block: Weights.Layer) {
        let configuration = configuration
        let dimension = configuration.headDimension
        let query = workspace.query + row * configuration.queryLength
        let key = workspace.key + row * configuration.keyValueLength
        let value = workspace.value + row * configuration.keyValueLength
        let position = Int(workspace.positions[row])
        if let bias = block.queryBias { VectorKernels.add(bias, count: configuration.queryLength, to: query) }
        if let bias = block.keyBias { VectorKernels.add(bias, count: configuration.keyValueLength, to: key) }
        if let bias = block.valueBias {
            VectorKernels.add(bias, count: configuration.keyValueLength, to: value)
        }
        for (vectors, heads, norm) in [
            (query, configuration.headCount, block.queryNorm),
            (key, configuration.keyValueHeadCount, block.keyNorm),
        ] {
            if let norm {
                let epsilon = configuration.normEpsilon
                for head in 0..<heads {
                    let vector = vectors + head * dimension
                    VectorKernels.rmsNorm(
                        vector,
                        weight: norm,
                        epsilon: epsilon,
                        count: dimension,
                        into: vector
                    )
                }
            }
            guard let rotary = rotaryOfLayer[layer] else { continue }
            rotaries[rotary].withAngles(at: position) { cosines, sines in
                VectorKernels.rope(
                    vectors,
                    heads: heads,
                    headDimension: dimension,
                    rotaryDimension: configuration.rotaryDimension,
                    cosines: cosines,
                    sines: sines,
                    interleaved: configuration.rotatesNeighbours
                )
            }
        }
        // A step has few segments; the row's is found in order.
        for (index, segment) in step.segments.enumerated() where segment.rows.contains(row) {
            let page = pages[
                pageOffsets[index * places.count + layer] + position / AttentionShape.pagePositions
            ]
            guard let page else { continue }
            shape.store(
                keys: key,
                values: value,
                slot: position % AttentionShape.pagePositions,
                of: UnsafeMutableRawPointer(mutating: page)
            )
        }
    }

    /// A worker's part of attention, by one of the step's plans.
    func mix(_ layer: Int, _ worker: Int, by plans: [AttentionPlan]) {
        let group = places[layer].group
        pages.withUnsafeBufferPointer { pages in
            for item in plans[group].items[worker] {
                shape.attend(
                    queries: workspace.query + item.row * configuration.queryLength,
                    queryStride: configuration.queryLength,
                    queryHeads: configuration.headCount,
                    tokens: item.count,
                    pages: pages.baseAddress! + pageOffsets[item.segment * places.count + layer],
                    starts: workspace.starts + group * workspace.rows + item.row,
                    ends: workspace.ends + item.row,
                    scale: configuration.attentionScale,
                    softcap: configuration.attentionSoftCap ?? 0,
                    output: workspace.attention + item.target * configuration.queryLength,
                    outputStride: configuration.queryLength,
                    queryHeadRange: item.heads
                )
            }
        }
    }
}
