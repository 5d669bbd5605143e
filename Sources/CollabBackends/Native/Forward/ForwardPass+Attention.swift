import Collab
import CollabKernels

extension ForwardPass {
    /// How many rows attend together.
    private static let tokensAtOnce = 16

    /// Queries, keys, values; positions; attention; the projection of its result.
    func attend(_ layer: Int, _ block: Weights.Layer, _ worker: Int) {
        observeNormalised(block.attentionNorm, as: [.query, .key, .value], layer, worker)
        let batches = workspace.batches(worker, replicated: isReplicated)
        // The three matrices count as one, of which each worker has a contiguous share.
        let (queries, keys) = (block.query.groupCount, block.key.groupCount)
        let mine = share(of: queries + keys + block.value.groupCount, worker)
        multiply(batches.residual, by: block.query, into: workspace.query, mine)
        multiply(batches.residual, by: block.key, into: workspace.key, mine, after: queries)
        multiply(batches.residual, by: block.value, into: workspace.value, mine, after: queries + keys)
        pool.barrier()
        for row in share(of: step.rowCount, worker) { store(row, layer, block) }
        pool.barrier()
        mix(layer, worker)
        pool.barrier()
        observe(
            workspace.attention,
            columns: configuration.queryLength,
            as: [.attentionOutput],
            layer,
            worker
        )
        prepare(workspace.attention, for: batches.attention, worker)
        let rows = share(of: block.attentionOutput.groupCount, worker)
        multiply(batches.attention, by: block.attentionOutput, into: workspace.projected, rows)
        pool.barrier()
    }

    /// Normalises and turns one row's queries and keys, and puts its keys and values into the store.
    private func store(_ row: Int, _ layer: Int, _ block: Weights.Layer) {
        let configuration = configuration
        let dimension = configuration.headDimension
        let query = workspace.query + row * configuration.queryLength
        let key = workspace.key + row * configuration.keyValueLength
        let value = workspace.value + row * configuration.keyValueLength
        let position = Int(workspace.positions[row])
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
            rotaries[rotaryOfLayer[layer]].withAngles(at: position) { cosines, sines in
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

    /// Attention of a worker's share of heads, tile by tile of rows.
    ///
    /// Every tile's heads are shared by all workers, so that late rows, which see more, burden all alike; which worker
    /// gets the larger part alternates.
    private func mix(_ layer: Int, _ worker: Int) {
        let group = places[layer].group
        var tile = 0
        pages.withUnsafeBufferPointer { pages in
            for (index, segment) in step.segments.enumerated() {
                let table = pages.baseAddress! + pageOffsets[index * places.count + layer]
                var row = segment.rows.lowerBound
                while row < segment.rows.upperBound {
                    let count = min(Self.tokensAtOnce, segment.rows.upperBound - row)
                    let share = share(of: configuration.headCount, (worker + tile) % pool.workers)
                    shape.attend(
                        queries: workspace.query + row * configuration.queryLength,
                        queryStride: configuration.queryLength,
                        queryHeads: configuration.headCount,
                        tokens: count,
                        pages: table,
                        starts: workspace.starts + group * workspace.rows + row,
                        ends: workspace.ends + row,
                        scale: configuration.attentionScale,
                        softcap: configuration.attentionSoftCap ?? 0,
                        output: workspace.attention + row * configuration.queryLength,
                        outputStride: configuration.queryLength,
                        queryHeadRange: share
                    )
                    row += count
                    tile += 1
                }
            }
        }
    }
}
