/// A grammar's program made deterministic as far as it is needed.
///
/// A situation is the set of all places at which the program can be after some bytes, each with the places to which it
/// will return. Situations are numbered as they are met, and each gets a row of what every byte leads to; what has been
/// met is forgotten when it is too much. Whoever keeps a situation keeps it as a value, so nothing is lost by that.
final class ByteAutomaton: Sendable {
    /// All places at which the program can be.
    struct Situation: Hashable, Sendable {
        /// 1 if the text may end here, else 0; then for every place the way to return, outermost first, the place, and −1.
        fileprivate var words: [Int32]

        /// Whether the text may end here.
        var isComplete: Bool { words[0] == 1 }
        /// Whether the text may go on from here.
        var canGoOn: Bool { words.count > 1 }
    }

    /// No situation: the text cannot go on so.
    static let dead: Int32 = -1

    let program: ByteProgram
    /// Where every text begins.
    let start: Situation
    private let table: Protected<AutomatonTable>

    /// Compiles a grammar; throws what ``ByteProgram/init(_:)`` throws.
    init(_ grammar: Grammar) throws(CollabError) {
        program = try ByteProgram(grammar)
        var effort = AutomatonTable.mostEffort
        start = try Self.close([[program.root]], program, &effort) ?? Situation(words: [0])
        table = Protected(AutomatonTable())
    }

    /// The situation after some bytes; `nil` if no text goes on so.
    func advance(_ situation: Situation, by bytes: some Sequence<UInt8>) throws(CollabError) -> Situation? {
        try withTable { table throws(CollabError) in
            var place = table.number(of: situation)
            for byte in bytes {
                let row = try self.rowStart(of: place, in: &table)
                place = table.rows[Int(row) + Int(byte)]
                if place == Self.dead { return nil }
            }
            return table.situations[Int(place)]
        }
    }

    /// Whether a whole text is one of the grammar's.
    func matches(_ text: String) throws(CollabError) -> Bool {
        try advance(start, by: text.utf8)?.isComplete ?? false
    }

    /// The tokens that can come next.
    func mask(of situation: Situation, over trie: TokenTrie) throws(CollabError) -> TokenMask {
        try withTable { table throws(CollabError) in
            let place = table.number(of: situation)
            if let mask = table.masks[trie.vocabulary]?[place] { return mask }
            let mask = try self.walk(trie, from: place, in: &table)
            table.masks[trie.vocabulary, default: [:]][place] = mask
            return mask
        }
    }

    /// Works on what is known, having forgotten it first if it is too much.
    private func withTable<Result: Sendable>(
        _ body: (inout AutomatonTable) throws(CollabError) -> Result
    ) throws(CollabError) -> Result {
        try table.withLock { (table) throws(CollabError) in
            table.forgetIfFull()
            table.effort = AutomatonTable.mostEffort
            return try body(&table)
        }
    }

    // MARK: Masks

    /// Reads all tokens at once, those that begin alike together.
    private func walk(
        _ trie: TokenTrie,
        from start: Int32,
        in table: inout AutomatonTable
    ) throws(CollabError) -> TokenMask {
        var mask = TokenMask(count: trie.vocabularySize)
        // The row that is read at each depth.
        var rows = [Int32](repeating: try rowStart(of: start, in: &table), count: trie.depth + 1)
        var node = 0
        while node < trie.nodes.count {
            let entry = trie.nodes[node]
            let depth = Int(entry.depth)
            let place = table.rows[Int(rows[depth]) + Int(entry.byte)]
            if place == Self.dead {
                node = Int(entry.end)
                continue
            }
            let next = node + 1
            mask.insert(trie.tokens(of: node..<next))
            if entry.end > next {
                let row = try rowStart(of: place, in: &table)
                // Where every byte that is left leads back here, all tokens are right.
                if entry.end - Int32(next) >= Self.worthwhile,
                    entry.kinds & ~table.loops(at: place, row: row) == 0
                {
                    mask.insert(trie.tokens(of: next..<Int(entry.end)))
                    node = Int(entry.end)
                    continue
                }
                rows[depth + 1] = row
            }
            node = next
        }
        return mask
    }

    /// From how many nodes on it is worthwhile to look whether all are right.
    private static let worthwhile: Int32 = 8

    // MARK: Rows

    /// Where the row of a situation begins.
    private func rowStart(of place: Int32, in table: inout AutomatonTable) throws(CollabError) -> Int32 {
        let known = table.rowStarts[Int(place)]
        if known >= 0 { return known }
        let row = try makeRow(of: table.situations[Int(place)], in: &table)
        return try table.addRow(row, of: place)
    }

    private func makeRow(of situation: Situation, in table: inout AutomatonTable) throws(CollabError)
        -> [Int32]
    {
        let stacks = situation.words.dropFirst().split(separator: -1)
        var steps: [(bytes: ClosedRange<UInt8>, stack: Int, target: Int32)] = []
        for (index, stack) in stacks.enumerated() {
            for edge in program.states[Int(stack[stack.endIndex - 1])].edges {
                steps.append((edge.bytes, index, edge.target))
            }
        }
        // Bytes between two borders lead to the same.
        var borders = Set<Int>([0, 256])
        for step in steps {
            borders.insert(Int(step.bytes.lowerBound))
            borders.insert(Int(step.bytes.upperBound) + 1)
        }
        let ordered = borders.sorted()
        var row = [Int32](repeating: Self.dead, count: 256)
        var known: [[[Int32]]: Int32] = [:]
        for (low, high) in zip(ordered, ordered.dropFirst()) {
            let seeds = steps.filter { $0.bytes.contains(UInt8(low)) }.map { step in
                Array(stacks[step.stack].dropLast()) + [step.target]
            }
            if seeds.isEmpty { continue }
            let place: Int32
            if let number = known[seeds] {
                place = number
            } else {
                place =
                    try Self.close(seeds, program, &table.effort).map { table.number(of: $0) } ?? Self.dead
                known[seeds] = place
            }
            for byte in low..<high { row[byte] = place }
        }
        return row
    }

    /// Follows all steps over nothing; `nil` if nothing is left.
    private static func close(
        _ seeds: [[Int32]],
        _ program: ByteProgram,
        _ effort: inout Int
    ) throws(CollabError) -> Situation? {
        var (seen, kept, isComplete): (Set<[Int32]>, [[Int32]], Bool) = ([], [], false)
        var work = seeds
        func isPossible(_ stack: [Int32]) -> Bool {
            let needed = Int(program.depths[Int(stack[stack.count - 1])])
            return needed + stack.count - 1 <= ByteProgram.deepest
        }
        while let stack = work.popLast() {
            guard isPossible(stack), seen.insert(stack).inserted else { continue }
            effort -= stack.count
            if effort < 0 { throw AutomatonTable.tooComplicated }
            let state = program.states[Int(stack[stack.count - 1])]
            if !state.edges.isEmpty { kept.append(stack) }
            for target in state.jumps {
                var moved = stack
                moved[moved.count - 1] = target
                work.append(moved)
            }
            if let (rule, next) = state.call {
                var called = stack
                called.removeLast()
                if !program.isOver[Int(next)] { called.append(next) }
                // The place to return to must be able to end its rule too.
                if called.count == stack.count, !isPossible(called) { continue }
                called.append(program.starts[rule])
                work.append(called)
            }
            if state.isEnd {
                if stack.count == 1 { isComplete = true } else { work.append(Array(stack.dropLast())) }
            }
        }
        if kept.isEmpty, !isComplete { return nil }
        kept.sort { $0.lexicographicallyPrecedes($1) }
        return Situation(words: [isComplete ? 1 : 0] + kept.flatMap { $0 + [-1] })
    }
}
