import Collab
import CollabKernels

/// Takes token sequences through a BERT encoder, several at once.
///
/// The sequences' rows lie one after another without padding. Many rows are shared out among the workers, so that each
/// takes its rows through a whole layer; with few rows the workers share the columns of every matrix instead, so that
/// each reads only its part of the weights.
///
/// Source: J. Devlin et al., *BERT*, 2019 (post-norm layers as in A. Vaswani et al., *Attention Is All You Need*, 2017);
/// pooling as in N. Reimers, I. Gurevych, *Sentence-BERT*, 2019.
///
/// While other engines compute too, one worker does all parts, with the same result to the last bit.
///
/// `@unchecked Sendable`: one run at a time, which ``EncoderThread`` sees to; workers keep to their shares.
final class EncoderPass: @unchecked Sendable {
    private let weights: EncoderWeights
    /// The whole team, and one of a single worker for when others compute too.
    private let team: WorkerPool
    private var single: WorkerPool?
    /// The team of the current run.
    private var pool: WorkerPool
    /// The most rows of a run.
    let capacity: Int
    private let states: UnsafeMutablePointer<Float>
    /// Queries, keys and values; two, because a worker may begin a layer while another is still in the one before.
    private let projections: [UnsafeMutablePointer<Float>]
    private let mixed: UnsafeMutablePointer<Float>
    private let inner: UnsafeMutablePointer<Float>
    private let output: UnsafeMutablePointer<Float>
    /// Attention weights, a part for each worker.
    private let scores: [UnsafeMutablePointer<Float>]
    private let ones: UnsafeMutablePointer<Float>
    /// How many queries are weighed at once.
    private static let queryBlock = 128
    /// Below so many rows a worker, workers share columns.
    private static let fewRows = 24

    /// Refuses an encoder that takes more memory than the machine has, before any of it is allocated.
    static func checkSizes(
        _ shape: EncoderConfiguration,
        workers: Int,
        name: String
    ) throws(CollabError) {
        // Products of four sizes may be beyond 64 bits.
        let (width, inner) = (Double(shape.width), Double(shape.feedForwardWidth))
        let (rows, tokens) = (Double(rows(of: shape)), Double(shape.maximumTokens))
        let layer = width * (4 * width + 2 * inner + 9) + inner
        let weights = Double(shape.layerCount) * layer + Double(shape.positionCount) * width
        let scratch =
            rows * (9 * width + inner) + tokens * (1 + Double(queryBlock) * Double(workers))
        let needed = 4 * (weights + scratch)
        guard needed < Double(Machine.physicalMemory) else {
            throw CollabError(
                .memoryLimit,
                "The encoder \(name) takes \(UInt64(min(needed, 0x1p63))) bytes, but the machine has "
                    + "\(Machine.physicalMemory)."
            )
        }
    }

    /// The most rows of a run.
    private static func rows(of shape: EncoderConfiguration) -> Int { max(512, shape.maximumTokens) }

    init(_ weights: EncoderWeights, pool: WorkerPool) {
        self.weights = weights
        team = pool
        self.pool = pool
        let shape = weights.configuration
        let capacity = Self.rows(of: shape)
        self.capacity = capacity
        func allocate(_ count: Int) -> UnsafeMutablePointer<Float> {
            UnsafeMutableRawPointer.allocate(byteCount: count * 4, alignment: 64)
                .bindMemory(to: Float.self, capacity: count)
        }
        states = allocate(capacity * shape.width)
        projections = (0..<2).map { _ in allocate(capacity * 3 * shape.width) }
        mixed = allocate(capacity * shape.width)
        inner = allocate(capacity * shape.feedForwardWidth)
        output = allocate(capacity * shape.width)
        ones = allocate(shape.maximumTokens)
        ones.update(repeating: 1, count: shape.maximumTokens)
        scores = (0..<pool.workers).map { _ in allocate(Self.queryBlock * shape.maximumTokens) }
    }

    deinit {
        for buffer in projections + scores + [states, mixed, inner, output, ones] { buffer.deallocate() }
    }

    /// Computes one vector a sequence, of unit length.
    ///
    /// - Parameter sequences: at most ``capacity`` tokens in all, and at most `maximumTokens` each.
    ///
    /// Throws `notFinite` if a vector has elements that are no numbers, and what reading the table of tokens throws.
    func run(_ sequences: [[TokenID]]) throws(CollabError) -> [[Float]] {
        let shape = weights.configuration
        var starts = [0]
        for sequence in sequences { starts.append(starts[starts.count - 1] + sequence.count) }
        let rowCount = starts[starts.count - 1]
        precondition(rowCount <= capacity)
        for (index, sequence) in sequences.enumerated() {
            for (position, token) in sequence.enumerated() {
                let row = states + (starts[index] + position) * shape.width
                try weights.readToken(token, into: row)
                VectorKernels.add(weights.positions + position * shape.width, count: shape.width, to: row)
            }
        }
        let bounds = starts
        let sharesColumns = team.workers > 1 && rowCount < Self.fewRows * team.workers
        // The parts are the same however many workers compute them, and so is every bit of the result.
        let parts = (0..<team.workers).map { part in
            Work(
                rows: team.share(of: rowCount, worker: part),
                rowCount: rowCount,
                worker: part,
                sharesColumns: sharesColumns
            )
        }
        ComputeShare.machine.run(of: team.workers) { workers in
            pool = team(of: workers)
            pool.run { worker in
                let mine = parts.filter { $0.worker % self.pool.workers == worker }
                for part in mine { self.normalise(self.states, self.weights.embeddingNorm, part) }
                for layer in self.weights.layers.indices { self.run(layer, bounds, mine) }
            }
        }
        return try pooled(starts)
    }

    /// All workers, or one.
    private func team(of workers: Int) -> WorkerPool {
        if workers >= team.workers { return team }
        if single == nil { single = try? WorkerPool(workers: 1) }
        return single ?? team
    }

    /// A part of a run, which one worker does.
    private struct Work: Sendable {
        /// The rows that it alone writes outside matrix products.
        var rows: Range<Int>
        var rowCount: Int
        var worker: Int
        /// Whether matrix products are shared by columns.
        var sharesColumns: Bool
    }

    private func run(_ index: Int, _ starts: [Int], _ parts: [Work]) {
        let layer = weights.layers[index]
        let width = weights.configuration.width
        let projection = projections[index % 2]
        multiply(states, layer.attention, into: projection, parts)
        // Queries read the keys of other parts' rows.
        if parts.first?.sharesColumns != true { pool.barrier() }
        for part in parts { attend(projection, starts, part) }
        multiply(mixed, layer.attentionOutput, into: output, parts)
        for part in parts { addOutput(part, width, layer.attentionNorm) }
        multiply(states, layer.up, into: inner, parts, gated: true)
        multiply(inner, layer.down, into: output, parts)
        for part in parts { addOutput(part, width, layer.norm) }
    }

    private func addOutput(_ part: Work, _ width: Int, _ norm: EncoderWeights.Norm) {
        for row in part.rows {
            VectorKernels.add(output + row * width, count: width, to: states + row * width)
        }
        normalise(states, norm, part)
    }

    private func normalise(_ x: UnsafeMutablePointer<Float>, _ norm: EncoderWeights.Norm, _ work: Work) {
        let width = weights.configuration.width
        for row in work.rows {
            VectorKernels.layerNorm(
                x + row * width,
                weight: norm.weight,
                bias: norm.bias,
                epsilon: weights.configuration.epsilon,
                count: width,
                into: x + row * width
            )
        }
    }

    /// y = x · Wᵀ + b, gated if asked. With shared columns all workers are waited for before and after.
    private func multiply(
        _ x: UnsafePointer<Float>,
        _ linear: EncoderWeights.Linear,
        into y: UnsafeMutablePointer<Float>,
        _ parts: [Work],
        gated: Bool = false
    ) {
        let sharesColumns = parts.first?.sharesColumns == true
        if sharesColumns { pool.barrier() }
        for part in parts { multiply(x, linear, into: y, part, gated: gated) }
        if sharesColumns { pool.barrier() }
    }

    private func multiply(
        _ x: UnsafePointer<Float>,
        _ linear: EncoderWeights.Linear,
        into y: UnsafeMutablePointer<Float>,
        _ work: Work,
        gated: Bool
    ) {
        let rows = work.sharesColumns ? 0..<work.rowCount : work.rows
        let columns =
            work.sharesColumns ? team.share(of: linear.outputs, worker: work.worker) : 0..<linear.outputs
        let first = rows.lowerBound * linear.outputs + columns.lowerBound
        for row in rows {
            (y + row * linear.outputs + columns.lowerBound)
                .update(from: linear.bias + columns.lowerBound, count: columns.count)
        }
        BLAS.sgemm(
            .normal,
            .transposed,
            m: rows.count,
            n: columns.count,
            k: linear.inputs,
            a: x + rows.lowerBound * linear.inputs,
            lda: linear.inputs,
            b: linear.weight + columns.lowerBound * linear.inputs,
            ldb: linear.inputs,
            beta: 1,
            c: y + first,
            ldc: linear.outputs
        )
        if gated {
            for row in rows {
                let part = y + row * linear.outputs + columns.lowerBound
                switch weights.configuration.activation {
                case .gelu: VectorKernels.geluErf(part, count: columns.count, into: part)
                case .geluNew, .geluTanh: VectorKernels.geluTanh(part, count: columns.count, into: part)
                }
            }
        }
    }

    /// softmax(q · kᵀ / √d) · v for the worker's rows, each sequence by itself, some queries and one head at a time.
    private func attend(_ projection: UnsafePointer<Float>, _ starts: [Int], _ work: Work) {
        for sequence in 0..<(starts.count - 1) {
            let keys = starts[sequence]..<starts[sequence + 1]
            let share = keys.clamped(to: work.rows)
            for start in stride(from: share.lowerBound, to: share.upperBound, by: Self.queryBlock) {
                let queries = start..<min(start + Self.queryBlock, share.upperBound)
                for head in 0..<weights.configuration.headCount {
                    attend(projection, queries, keys, head: head, scores[work.worker])
                }
            }
        }
    }

    private func attend(
        _ projection: UnsafePointer<Float>,
        _ queries: Range<Int>,
        _ keys: Range<Int>,
        head: Int,
        _ scores: UnsafeMutablePointer<Float>
    ) {
        let (width, headWidth) = (weights.configuration.width, weights.configuration.headWidth)
        let offset = head * headWidth
        let firstKey = projection + keys.lowerBound * 3 * width + offset
        BLAS.sgemm(
            .normal,
            .transposed,
            m: queries.count,
            n: keys.count,
            k: headWidth,
            alpha: 1 / Float(headWidth).squareRoot(),
            a: projection + queries.lowerBound * 3 * width + offset,
            lda: 3 * width,
            b: firstKey + width,
            ldb: 3 * width,
            c: scores,
            ldc: keys.count
        )
        for row in 0..<queries.count { softmax(scores + row * keys.count, keys.count) }
        BLAS.sgemm(
            m: queries.count,
            n: headWidth,
            k: keys.count,
            a: scores,
            lda: keys.count,
            b: firstKey + 2 * width,
            ldb: 3 * width,
            c: mixed + queries.lowerBound * width + offset,
            ldc: width
        )
    }

    /// In place; a row of weights sums to 1.
    private func softmax(_ x: UnsafeMutablePointer<Float>, _ count: Int) {
        let highest = Distribution.max(UnsafeBufferPointer(start: x, count: count))
        VectorKernels.add(-highest, times: ones, count: count, to: x)
        VectorKernels.exp(x, count: count, into: x)
        let sum = VectorKernels.dot(x, ones, count: count)
        VectorKernels.scale(x, by: 1 / sum, count: count, into: x)
    }

    private func pooled(_ starts: [Int]) throws(CollabError) -> [[Float]] {
        let width = weights.configuration.width
        var vectors: [[Float]] = []
        for sequence in 0..<(starts.count - 1) {
            var vector = [Float](repeating: 0, count: width)
            let rows = starts[sequence]..<starts[sequence + 1]
            vector.withUnsafeMutableBufferPointer { vector in
                let read = weights.configuration.pooling == .first ? rows.prefix(1) : rows
                for row in read {
                    VectorKernels.add(states + row * width, count: width, to: vector.baseAddress!)
                }
            }
            // The mean differs from the sum by a factor, which the unit length takes away.
            let norm = vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            guard norm.isFinite else {
                throw CollabError(.notFinite, "An embedding has elements that are not finite.")
            }
            vectors.append(norm > 0 ? vector.map { Float(Double($0) / norm) } : vector)
        }
        return vectors
    }
}
