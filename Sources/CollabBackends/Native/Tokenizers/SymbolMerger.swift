import Collab

/// Says which neighbouring symbols join.
protocol MergeRule {
    /// The rank (upper 32 bits, lower joins earlier) and the joined token (lower 32 bits) of two neighbours, or
    /// `UInt64.max` where they do not join.
    ///
    /// - Parameter bytes: where the two lie, together, in the text.
    func join(_ left: TokenID, _ right: TokenID, bytes: Range<Int>) -> UInt64
}

/// Joins the symbols of one word, best pair first and leftmost on equal ranks, until no pair is left.
///
/// Short words are scanned for their best pair; long ones use a heap, so that a word of n symbols takes
/// O(n log n) steps and not n².
struct SymbolMerger {
    /// Where each symbol begins, and at the end where the last one ends.
    private(set) var starts: [Int] = []
    /// The token of each symbol, or −1 where a single character has none.
    private(set) var tokens: [TokenID] = []

    private var joins: [UInt64] = []
    private var heap = JoinHeap()
    private static let scanLimit = 48

    /// Empties the word.
    @inline(__always)
    mutating func reset(start: Int) {
        starts.removeAll(keepingCapacity: true)
        tokens.removeAll(keepingCapacity: true)
        starts.append(start)
    }

    /// Adds a symbol.
    @inline(__always)
    mutating func append(_ token: TokenID, end: Int) {
        tokens.append(token)
        starts.append(end)
    }

    /// Joins what can be joined; ``tokens`` and ``starts`` are the result.
    mutating func merge(_ rule: some MergeRule) {
        if tokens.count < 2 { return }
        if tokens.count <= Self.scanLimit { mergeByScanning(rule) } else { mergeByHeap(rule) }
    }

    private mutating func mergeByScanning(_ rule: some MergeRule) {
        var count = tokens.count
        joins.removeAll(keepingCapacity: true)
        for index in 0..<(count - 1) {
            joins.append(
                rule.join(tokens[index], tokens[index + 1], bytes: starts[index]..<starts[index + 2])
            )
        }
        starts.withUnsafeMutableBufferPointer { starts in
            tokens.withUnsafeMutableBufferPointer { tokens in
                joins.withUnsafeMutableBufferPointer { joins in
                    while count > 1 {
                        var best = 0
                        var bestRank = joins[0] >> 32
                        for index in 1..<(count - 1) {
                            let rank = joins[index] >> 32
                            if rank < bestRank { (best, bestRank) = (index, rank) }
                        }
                        if joins[best] == .max { break }
                        tokens[best] = TokenID(truncatingIfNeeded: joins[best])
                        count -= 1
                        for index in (best + 1)..<max(count, best + 1) {
                            tokens[index] = tokens[index + 1]
                            starts[index] = starts[index + 1]
                        }
                        starts[count] = starts[count + 1]
                        for index in (best + 1)..<max(count - 1, best + 1) { joins[index] = joins[index + 1] }
                        if best > 0 {
                            joins[best - 1] = rule.join(
                                tokens[best - 1],
                                tokens[best],
                                bytes: starts[best - 1]..<starts[best + 1]
                            )
                        }
                        if best < count - 1 {
                            joins[best] = rule.join(
                                tokens[best],
                                tokens[best + 1],
                                bytes: starts[best]..<starts[best + 2]
                            )
                        }
                    }
                }
            }
        }
        tokens.removeSubrange(count...)
        starts.removeSubrange((count + 1)...)
    }

    private mutating func mergeByHeap(_ rule: some MergeRule) {
        let count = tokens.count
        // A linked list over the symbols: joined ones lose their right half, whose entry in `previous` becomes −1.
        var next = Array(1...count)
        var previous = Array(-1..<(count - 1))
        previous.append(0)
        var isAlive = [Bool](repeating: true, count: count)
        heap.removeAll()
        let starts = starts
        func propose(_ left: Int, _ right: Int, _ tokens: [TokenID], _ heap: inout JoinHeap) {
            let bytes = starts[left]..<starts[next[right]]
            let join = rule.join(tokens[left], tokens[right], bytes: bytes)
            if join != .max { heap.push(.init(join: join, left: left, right: right, length: bytes.count)) }
        }
        for left in 0..<(count - 1) { propose(left, left + 1, tokens, &heap) }
        while let entry = heap.pop() {
            let (left, right) = (entry.left, entry.right)
            // Stale entries speak of symbols that have been joined or have grown since.
            guard isAlive[left], isAlive[right], next[left] == right,
                starts[next[right]] - starts[left] == entry.length
            else { continue }
            tokens[left] = TokenID(truncatingIfNeeded: entry.join)
            isAlive[right] = false
            next[left] = next[right]
            if next[left] < count {
                previous[next[left]] = left
                propose(left, next[left], tokens, &heap)
            }
            if previous[left] >= 0 { propose(previous[left], left, tokens, &heap) }
        }
        var mergedTokens: [TokenID] = []
        var mergedStarts: [Int] = []
        for index in 0..<count where isAlive[index] {
            mergedTokens.append(tokens[index])
            mergedStarts.append(starts[index])
        }
        mergedStarts.append(starts[count])
        tokens = mergedTokens
        self.starts = mergedStarts
    }
}
