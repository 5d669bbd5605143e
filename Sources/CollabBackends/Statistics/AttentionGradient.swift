import CollabKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Attention of a whole text, as it was computed, in single precision.
struct AttentionGradient {
    private let configuration: TransformerConfiguration
    private let window: Int?
    private let queries: Rows
    private let keys: Rows
    private let values: Rows
    /// By head: how much each token (a row) takes of each.
    private var shares: [[Float]] = []
    /// By head: tanh of the scores, where they are capped.
    private var bends: [[Float]] = []
    /// What the tokens took.
    private(set) var mixed: Rows

    private var group: Int { configuration.headCount / configuration.keyValueHeadCount }

    init(
        _ configuration: TransformerConfiguration,
        window: Int?,
        queries: Rows,
        keys: Rows,
        values: Rows
    ) {
        self.configuration = configuration
        self.window = window
        self.queries = queries
        self.keys = keys
        self.values = values
        mixed = Rows(count: queries.count, width: queries.width)
        let (count, dimension) = (queries.count, configuration.headDimension)
        for head in 0..<configuration.headCount {
            let source = head / group * dimension
            var scores = [Float](repeating: 0, count: count * count)
            queries.values.withUnsafeBufferPointer { queries in
                keys.values.withUnsafeBufferPointer { keys in
                    BLAS.sgemm(
                        .normal,
                        .transposed,
                        m: count,
                        n: count,
                        k: dimension,
                        alpha: configuration.attentionScale,
                        a: queries.baseAddress! + head * dimension,
                        lda: self.queries.width,
                        b: keys.baseAddress! + source,
                        ldb: self.keys.width,
                        c: &scores,
                        ldc: count
                    )
                }
            }
            if let cap = configuration.attentionSoftCap {
                var bend = scores
                for place in bend.indices {
                    bend[place] = tanhf(scores[place] / cap)
                    scores[place] = cap * bend[place]
                }
                bends.append(bend)
            }
            for row in 0..<count { Self.share(&scores, row, count, window) }
            shares.append(scores)
            values.values.withUnsafeBufferPointer { values in
                mixed.values.withUnsafeMutableBufferPointer { mixed in
                    BLAS.sgemm(
                        m: count,
                        n: dimension,
                        k: count,
                        a: scores,
                        lda: count,
                        b: values.baseAddress! + source,
                        ldb: self.values.width,
                        c: mixed.baseAddress! + head * dimension,
                        ldc: queries.width
                    )
                }
            }
        }
    }

    /// Softmax of one row's scores over what it sees.
    private static func share(_ scores: inout [Float], _ row: Int, _ count: Int, _ window: Int?) {
        let first = window.map { max(0, row - $0 + 1) } ?? 0
        let largest = scores[row * count + first...row * count + row].max() ?? 0
        var sum = 0.0
        for column in 0..<count {
            let isSeen = column >= first && column <= row
            let value = isSeen ? expf(scores[row * count + column] - largest) : 0
            scores[row * count + column] = value
            sum += Double(value)
        }
        for column in first...row { scores[row * count + column] /= Float(sum) }
    }

    /// The gradients of queries, keys and values, of that of what the tokens took.
    func back(_ gradient: Rows) -> (queries: Rows, keys: Rows, values: Rows) {
        var result = (
            queries: Rows(count: queries.count, width: queries.width),
            keys: Rows(count: keys.count, width: keys.width),
            values: Rows(count: values.count, width: values.width)
        )
        let (count, dimension, width) = (queries.count, configuration.headDimension, keys.width)
        for head in 0..<configuration.headCount {
            let (target, source) = (head * dimension, head / group * dimension)
            var slopes = [Float](repeating: 0, count: count * count)
            gradient.values.withUnsafeBufferPointer { gradient in
                values.values.withUnsafeBufferPointer { values in
                    BLAS.sgemm(
                        .normal,
                        .transposed,
                        m: count,
                        n: count,
                        k: dimension,
                        a: gradient.baseAddress! + target,
                        lda: queries.width,
                        b: values.baseAddress! + source,
                        ldb: width,
                        c: &slopes,
                        ldc: count
                    )
                }
                result.values.values.withUnsafeMutableBufferPointer { values in
                    BLAS.sgemm(
                        .transposed,
                        .normal,
                        m: count,
                        n: dimension,
                        k: count,
                        a: shares[head],
                        lda: count,
                        b: gradient.baseAddress! + target,
                        ldb: queries.width,
                        beta: 1,
                        c: values.baseAddress! + source,
                        ldc: width
                    )
                }
            }
            unbend(&slopes, head)
            slopes.withUnsafeBufferPointer { slopes in
                keys.values.withUnsafeBufferPointer { keys in
                    result.queries.values.withUnsafeMutableBufferPointer { queries in
                        BLAS.sgemm(
                            m: count,
                            n: dimension,
                            k: count,
                            alpha: configuration.attentionScale,
                            a: slopes.baseAddress!,
                            lda: count,
                            b: keys.baseAddress! + source,
                            ldb: width,
                            c: queries.baseAddress! + target,
                            ldc: self.queries.width
                        )
                    }
                }
                queries.values.withUnsafeBufferPointer { queries in
                    result.keys.values.withUnsafeMutableBufferPointer { keys in
                        BLAS.sgemm(
                            .transposed,
                            .normal,
                            m: count,
                            n: dimension,
                            k: count,
                            alpha: configuration.attentionScale,
                            a: slopes.baseAddress!,
                            lda: count,
                            b: queries.baseAddress! + target,
                            ldb: self.queries.width,
                            beta: 1,
                            c: keys.baseAddress! + source,
                            ldc: width
                        )
                    }
                }
            }
        }
        return result
    }

    /// From the gradient of the shares to that of the products of queries and keys, in place.
    private func unbend(_ slopes: inout [Float], _ head: Int) {
        let count = queries.count
        for row in 0..<count {
            var sum = 0.0
            for column in 0...row {
                sum += Double(slopes[row * count + column]) * Double(shares[head][row * count + column])
            }
            for column in 0..<count {
                let place = row * count + column
                slopes[place] = shares[head][place] * (slopes[place] - Float(sum))
                if !bends.isEmpty { slopes[place] *= 1 - bends[head][place] * bends[head][place] }
            }
        }
    }
}
