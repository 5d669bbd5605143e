import Collab
import CollabKernels

/// The largest logits of one row, found without most of the vocabulary's low bits.
///
/// First every worker computes upper bounds for its share from the high plane. Then it computes the logits where its
/// bounds are largest: the smallest of as many as are wanted is a threshold, and the largest of the workers' thresholds
/// holds for all. A row whose bound lies below cannot be among the wanted; all others are computed. The kernel is that of
/// whole rows, so the logits are the same bit for bit.
extension ForwardPass {
    /// How many groups of rows are computed in full for the threshold, at least.
    private static let seeds = 8
    /// The most that is looked for so; more are cheaper to find in whole rows.
    private static let mostWanted = 128

    /// Finds what a batch asks for if that is no more than the largest logits of one row; false if it has to be
    /// multiplied in full, which every worker finds alike.
    func findsTop(_ batch: ArraySlice<StepOutput>, _ worker: Int) -> Bool {
        let matrix = weights.output
        // A soft cap may make equal what was not.
        guard batch.count == 1, let output = batch.first, case .top(let wanted, false) = output.kind,
            matrix.hasPlanes, workspace.outputBatch.holdsIntegers, configuration.finalSoftCap == nil,
            let bounds = workspace.bounds, wanted <= Self.mostWanted, wanted <= matrix.rows,
            pool.workers <= Workspace.outputRows
        else { return false }
        let mine = share(of: workspace.outputSlices, worker)
        for slice in mine { bound(slice, into: bounds) }
        let first = rows(of: mine.lowerBound).lowerBound
        let own = UnsafeBufferPointer(
            start: bounds + first,
            count: mine.isEmpty ? 0 : rows(of: mine.upperBound - 1).upperBound - first
        )
        var search = TopSearch(matrix: matrix, batch: workspace.outputBatch)
        let seeds = Distribution.topK(max(wanted, Self.seeds), of: own)
        for seed in seeds { search.compute(group: (seed.index + first) / PackedMatrix.groupRows) }
        workspace.thresholds[worker] = search.threshold(wanted)
        pool.barrier()
        // NaN or infinity is for the whole row to find out and to report.
        guard (0..<workspace.outputSlices).allSatisfy({ workspace.finite[$0] }) else {
            pool.barrier()
            return false
        }
        let threshold = (0..<pool.workers).reduce(-Float.infinity) { max($0, workspace.thresholds[$1]) }
        search.keep(above: threshold)
        for slice in mine where reaches(threshold, rows(of: slice), bounds) {
            for first in stride(
                from: rows(of: slice).lowerBound,
                to: rows(of: slice).upperBound,
                by: PackedMatrix.groupRows
            )
            where reaches(threshold, first..<min(first + PackedMatrix.groupRows, matrix.rows), bounds) {
                search.compute(group: first / PackedMatrix.groupRows)
            }
        }
        workspace.tops![worker] = TopSlice(wanted, of: search.entries)
        pool.barrier()
        if worker == 0 {
            var top = TopSlice.joined(wanted, (0..<pool.workers).map { workspace.tops![$0] })
            top.logSumExp = nil
            output.result.pointee.top = top
            output.result.pointee.isFinite = top.entries.allSatisfy(\.logit.isFinite)
        }
        return true
    }

    /// Upper bounds of a slice, and whether they are finite.
    private func bound(_ slice: Int, into bounds: UnsafeMutablePointer<Float>) {
        let first = slice * Workspace.outputGroups
        let groups = first..<min(first + Workspace.outputGroups, weights.output.groupCount)
        weights.output.upperBounds(workspace.outputBatch, groups: groups, into: bounds)
        let rows = rows(of: slice)
        let start = bounds + rows.lowerBound
        workspace.finite[slice] = VectorKernels.dot(start, start, count: rows.count).isFinite
    }

    /// The tokens of a slice; none behind the vocabulary's end.
    private func rows(of slice: Int) -> Range<Int> {
        let width = Workspace.outputGroups * PackedMatrix.groupRows
        let end = weights.output.rows
        return min(slice * width, end)..<min((slice + 1) * width, end)
    }

    private func reaches(_ threshold: Float, _ rows: Range<Int>, _ bounds: UnsafeMutablePointer<Float>)
        -> Bool
    {
        let start = bounds + rows.lowerBound
        return Distribution.max(UnsafeBufferPointer(start: start, count: rows.count)) >= threshold
    }
}

/// The logits that one worker has computed in full.
private struct TopSearch {
    let matrix: PackedMatrix
    let batch: ActivationBatch
    /// Those at or above the threshold.
    private(set) var entries: [Distribution.Entry] = []
    private var computed: Set<Int> = []
    private var least = -Float.infinity

    init(matrix: PackedMatrix, batch: ActivationBatch) {
        self.matrix = matrix
        self.batch = batch
    }

    /// Computes the logits of 16 rows, once.
    mutating func compute(group: Int) {
        guard computed.insert(group).inserted else { return }
        let first = group * PackedMatrix.groupRows
        let count = min(PackedMatrix.groupRows, matrix.rows - first)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: PackedMatrix.groupRows) { logits in
            guard let base = logits.baseAddress else { return }
            matrix.multiply(batch, slice: group..<group + 1, into: base)
            for index in 0..<count where logits[index] >= least {
                entries.append(Distribution.Entry(index: first + index, value: logits[index]))
            }
        }
    }

    /// The smallest of the `count` largest so far: no smaller logit is among the `count` largest of all.
    func threshold(_ count: Int) -> Float {
        guard entries.count >= count else { return -.infinity }
        return entries.map(\.value).sorted(by: >)[count - 1]
    }

    /// Forgets smaller logits, now and later.
    mutating func keep(above threshold: Float) {
        least = threshold
        entries.removeAll { $0.value < threshold }
    }
}
