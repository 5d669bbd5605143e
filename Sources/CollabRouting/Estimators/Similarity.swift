internal import Collab
import CollabKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Hands over, question by question, the scalar products with all known vectors.
///
/// One question is a product of matrix and vector; several go in blocks, so that the matrix is read once a block.
func forEachSimilarities(
    of questions: Table,
    to known: Table,
    _ body: (Int, UnsafeBufferPointer<Float>) -> Void
) throws(CollabError) {
    let block = min(64, max(questions.rows, 1))
    var products = [Float](repeating: 0, count: block * known.rows)
    for start in stride(from: 0, to: questions.rows, by: block) {
        try checkCancellation()
        let count = min(block, questions.rows - start)
        questions.values.withUnsafeBufferPointer { values in
            guard let base = values.baseAddress else { return }
            let first = base + start * questions.columns
            if count == 1 {
                LinearAlgebra.product(
                    rows: known.rows,
                    columns: known.columns,
                    of: known.values,
                    with: first,
                    into: &products
                )
            } else {
                BLAS.sgemm(
                    .normal,
                    .transposed,
                    m: count,
                    n: known.rows,
                    k: known.columns,
                    a: first,
                    lda: questions.columns,
                    b: known.values,
                    ldb: known.columns,
                    c: &products,
                    ldc: known.rows
                )
            }
        }
        products.withUnsafeBufferPointer { products in
            for row in 0..<count {
                let part = products[row * known.rows..<(row + 1) * known.rows]
                body(start + row, UnsafeBufferPointer(rebasing: part))
            }
        }
    }
}

/// The places of the highest values, in no order; of equal values those that come first.
///
/// A heap of the best so far with the least of them on top: most values are turned away by one comparison.
func highestPlaces(_ count: Int, in values: UnsafeBufferPointer<Float>) -> [Int] {
    guard count < values.count else { return Array(values.indices) }
    guard count > 0 else { return [] }
    var heap = Array(0..<count)
    func isWorse(_ a: Int, _ b: Int) -> Bool {
        values[a] != values[b] ? values[a] < values[b] : a > b
    }
    func sink(_ start: Int) {
        var place = start
        while true {
            var child = 2 * place + 1
            guard child < count else { return }
            if child + 1 < count, isWorse(heap[child + 1], heap[child]) { child += 1 }
            guard isWorse(heap[child], heap[place]) else { return }
            heap.swapAt(child, place)
            place = child
        }
    }
    for place in stride(from: count / 2, through: 0, by: -1) { sink(place) }
    for place in count..<values.count where values[place] > values[heap[0]] {
        heap[0] = place
        sink(0)
    }
    return heap
}

/// The rows scaled to unit length; zero rows stay.
func unitRows(_ table: Table) -> Table {
    var result = table
    for row in 0..<table.rows {
        let length = sqrt(table.row(row).reduce(0) { $0 + $1 * $1 })
        guard length > 0, abs(length - 1) > 1e-6 else { continue }
        for place in row * table.columns..<(row + 1) * table.columns { result.values[place] /= length }
    }
    return result
}

/// The mean of each column over what is known; 0 where nothing is.
func knownMeans(of table: Table) -> [Float] {
    (0..<table.columns).map { column in
        var (sum, count) = (0.0, 0.0)
        for row in 0..<table.rows where !table[row, column].isNaN {
            sum += Double(table[row, column])
            count += 1
        }
        return count > 0 ? Float(sum / count) : 0
    }
}
