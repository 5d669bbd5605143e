import Collab
import CollabKernels

/// Texts with their keys and values, arranged by how they begin: a radix tree over tokens.
///
/// Every node is a run of tokens that follows its parent's; texts that begin alike share the nodes up to where they
/// part. Tokens are compared one by one, so nothing rests on hashes. A text is found, added or let go in time
/// proportional to its own length, however many others there are.
///
/// Blocks belong to pages of 64 positions. A node refers to the blocks of all pages that it has positions in; where
/// two texts part within a page, each has a block of its own for it, with the common beginning in both.
struct PrefixTree: Sendable {
    /// What has been found of a text.
    struct Match {
        /// How many of its first tokens are known with all that later positions see of them.
        var count: Int
        /// By layer group and by page.
        var blocks: [[KeyValueBlock?]]
    }

    private struct Node {
        /// Where the node's tokens begin in a text.
        var start: Int
        var tokens: [TokenID]
        /// By layer group, from the page of the first token on.
        var blocks: [[KeyValueBlock?]]
        var parent: Int
        /// By their first tokens.
        var children: [TokenID: Int] = [:]
        /// The node that was used next before and next after this one, in the order of `newest`.
        var older = PrefixTree.none
        var newer = PrefixTree.none

        var end: Int { start + tokens.count }
        var pages: Range<Int> {
            start / PrefixTree.positions..<(end + PrefixTree.positions - 1) / PrefixTree.positions
        }
    }

    private static let none = -1
    private static let positions = AttentionShape.pagePositions

    /// By layer group, how many positions a query sees, and the bytes of a block.
    private let windows: [Int?]
    private let blockBytes: [Int]
    private var nodes: [Node] = []
    private var unused: [Int] = []
    /// The nodes without tokens that the texts of a kind hang on; nothing is shared between kinds.
    private var roots: [SHA256Digest?: Int] = [:]
    // Nodes in the order of their last use. Whoever uses a text uses its beginning, so a node always stands nearer to
    // the newest than those that follow it in a text, and the oldest node is the end of a text.
    private var oldest = PrefixTree.none
    private var newest = PrefixTree.none
    /// How often a block occurs in the nodes.
    private var references: [ObjectIdentifier: Int] = [:]

    /// The bytes of all blocks, each counted once.
    private(set) var bytes = 0
    /// How many runs of tokens there are.
    private(set) var nodeCount = 0

    /// - Parameters:
    ///   - windows: by layer group, how many positions a query sees; `nil` for all.
    ///   - blockBytes: by layer group, the bytes of a block.
    init(windows: [Int?], blockBytes: [Int]) {
        self.windows = windows
        self.blockBytes = blockBytes
    }

    var isEmpty: Bool { nodeCount == 0 }

    // MARK: Finding

    /// The longest usable beginning of a text, of at least `least` and at most `most` tokens.
    ///
    /// What is found counts as used.
    mutating func match(_ text: [TokenID], under kind: SHA256Digest?, least: Int, most: Int) -> Match? {
        guard let root = roots[kind] else { return nil }
        var path: [Int] = []
        var (node, count) = (root, 0)
        while count < most, let child = nodes[node].children[text[count]] {
            path.append(child)
            let end = min(nodes[child].end, most)
            let common = commonCount(nodes[child].tokens, text, from: count, upTo: end)
            count += common
            node = child
            if count < nodes[child].end { break }
        }
        guard count >= least else { return nil }
        var match = Match(count: count, blocks: windows.map { _ in [] })
        for group in windows.indices { match.blocks[group] = pages(along: path, group, upTo: count) }
        match.count = usable(match.blocks, upTo: count)
        guard match.count >= least else { return nil }
        path.removeAll { nodes[$0].start >= match.count }
        for group in windows.indices {
            var pages = pages(along: path, group, upTo: match.count)
            // What lies before a gap is of no use, and a sequence has pages without gaps.
            if let gap = pages.lastIndex(where: { $0 == nil }) {
                for page in pages[..<gap].indices { pages[page] = nil }
            }
            match.blocks[group] = pages
        }
        use(path)
        return match
    }

    private func commonCount(_ tokens: [TokenID], _ text: [TokenID], from start: Int, upTo end: Int) -> Int {
        var count = 0
        while start + count < end, tokens[count] == text[start + count] { count += 1 }
        return count
    }

    /// A group's blocks of the first `count` positions of the text along a path.
    private func pages(along path: [Int], _ group: Int, upTo count: Int) -> [KeyValueBlock?] {
        let needed = (count + Self.positions - 1) / Self.positions
        var pages = [KeyValueBlock?](repeating: nil, count: needed)
        for index in path {
            let node = nodes[index]
            for (page, block) in zip(node.pages, node.blocks[group]) where page < needed {
                // The deepest node with positions of the page has all that come before.
                pages[page] = block
            }
        }
        return pages
    }

    /// How many of the first `count` positions can be gone on from: everything that the next one sees is there.
    private func usable(_ blocks: [[KeyValueBlock?]], upTo count: Int) -> Int {
        var count = count
        var isSettled = false
        while !isSettled, count > 0 {
            isSettled = true
            for (group, window) in windows.enumerated() {
                let first = window.map { min(max(0, count - $0 + 1), count - 1) } ?? 0
                let seen = first / Self.positions...(count - 1) / Self.positions
                // No position behind a page that is gone, and that it sees, will do.
                guard let gone = seen.last(where: { blocks[group][$0] == nil }) else { continue }
                count = gone * Self.positions
                isSettled = false
                break
            }
        }
        return count
    }

    // MARK: Adding

    /// Adds the first `count` tokens of a text with their blocks, by layer group and by page.
    ///
    /// What is known already is kept, and what it lacks is filled in.
    mutating func insert(
        _ text: [TokenID],
        count: Int,
        blocks: [[KeyValueBlock?]],
        under kind: SHA256Digest?
    ) {
        guard count > 0 else { return }
        let root = roots[kind] ?? makeRoot(kind)
        var path: [Int] = []
        var (node, place) = (root, 0)
        while place < count {
            guard let child = nodes[node].children[text[place]] else {
                path.append(add(text[place..<count], at: place, blocks, under: node))
                break
            }
            let end = min(nodes[child].end, count)
            let common = commonCount(nodes[child].tokens, text, from: place, upTo: end)
            if common < end - place { split(child, after: common) }
            path.append(child)
            fillIn(child, blocks, upTo: count)
            place += common
            node = child
        }
        use(path)
    }

    private mutating func makeRoot(_ kind: SHA256Digest?) -> Int {
        let root = take(
            Node(start: 0, tokens: [], blocks: windows.map { _ in [] }, parent: Self.none)
        )
        roots[kind] = root
        return root
    }

    private mutating func take(_ node: Node) -> Int {
        if let index = unused.popLast() {
            nodes[index] = node
            return index
        }
        nodes.append(node)
        return nodes.count - 1
    }

    private mutating func add(
        _ tokens: ArraySlice<TokenID>,
        at start: Int,
        _ blocks: [[KeyValueBlock?]],
        under parent: Int
    ) -> Int {
        var node = Node(start: start, tokens: Array(tokens), blocks: [], parent: parent)
        node.blocks = blocks.map { pages in node.pages.map { $0 < pages.count ? pages[$0] : nil } }
        for (group, pages) in node.blocks.enumerated() {
            for case let block? in pages { retain(block, group) }
        }
        let index = take(node)
        nodeCount += 1
        link(index)
        if let first = tokens.first { nodes[parent].children[first] = index }
        return index
    }

    /// Cuts a node in two; the upper part keeps its place.
    private mutating func split(_ index: Int, after count: Int) {
        let whole = nodes[index]
        let middle = whole.start + count
        var lower = Node(start: middle, tokens: Array(whole.tokens[count...]), blocks: [], parent: index)
        lower.children = whole.children
        let lowerPages = lower.pages
        lower.blocks = whole.blocks.map { Array($0.suffix(lowerPages.count)) }
        var upper = whole
        upper.tokens = Array(whole.tokens[..<count])
        let upperPages = upper.pages
        upper.blocks = whole.blocks.map { Array($0.prefix(upperPages.count)) }
        if upperPages.count + lowerPages.count > whole.pages.count {
            for (group, pages) in lower.blocks.enumerated() {
                if case let block?? = pages.first { retain(block, group) }
            }
        }
        let below = take(lower)
        nodeCount += 1
        upper.children = [lower.tokens[0]: below]
        nodes[index] = upper
        for child in lower.children.values { nodes[child].parent = below }
        // Next older than the upper part, and so newer than all that follow it.
        link(below, before: index)
    }

    /// Gives a node blocks that it lacks and another text with the same first `count` tokens has.
    private mutating func fillIn(_ index: Int, _ blocks: [[KeyValueBlock?]], upTo count: Int) {
        let (pages, end) = (nodes[index].pages, nodes[index].end)
        for group in windows.indices {
            for (place, page) in pages.enumerated() where nodes[index].blocks[group][place] == nil {
                guard min((page + 1) * Self.positions, end) <= count, page < blocks[group].count,
                    let block = blocks[group][page]
                else { continue }
                nodes[index].blocks[group][place] = block
                retain(block, group)
            }
        }
    }

    private mutating func retain(_ block: KeyValueBlock, _ group: Int) {
        let count = references[ObjectIdentifier(block), default: 0]
        references[ObjectIdentifier(block)] = count + 1
        if count == 0 { bytes += blockBytes[group] }
    }

    private mutating func release(_ block: KeyValueBlock, _ group: Int) {
        guard let count = references[ObjectIdentifier(block)] else { return }
        references[ObjectIdentifier(block)] = count > 1 ? count - 1 : nil
        if count == 1 { bytes -= blockBytes[group] }
    }

    // MARK: Letting go

    /// Lets the end of a text go that has not been used for longest; returns its blocks, `nil` if there is nothing.
    mutating func removeOldest() -> [KeyValueBlock]? {
        oldest == Self.none ? nil : remove(oldest)
    }

    /// Lets the end of a text go that has not been used for longest and has a block that nobody else holds, so that
    /// memory becomes free; returns its blocks, `nil` if there is nothing of that kind.
    mutating func removeOldestUnheld() -> [KeyValueBlock]? {
        var candidate = oldest
        while candidate != Self.none {
            if nodes[candidate].children.isEmpty, holdsAlone(candidate) { return remove(candidate) }
            candidate = nodes[candidate].newer
        }
        return nil
    }

    private mutating func holdsAlone(_ index: Int) -> Bool {
        for group in windows.indices {
            for place in nodes[index].blocks[group].indices {
                // Asked in place: a copy of the array would hold the block too.
                if isKnownUniquelyReferenced(&nodes[index].blocks[group][place]) { return true }
            }
        }
        return false
    }

    private mutating func remove(_ index: Int) -> [KeyValueBlock] {
        let node = nodes[index]
        var dropped: [KeyValueBlock] = []
        for (group, pages) in node.blocks.enumerated() {
            for case let block? in pages {
                release(block, group)
                dropped.append(block)
            }
        }
        unlink(index)
        nodeCount -= 1
        if let first = node.tokens.first { nodes[node.parent].children[first] = nil }
        free(index)
        if nodes[node.parent].parent == Self.none, nodes[node.parent].children.isEmpty {
            roots = roots.filter { $0.value != node.parent }
            free(node.parent)
        }
        return dropped
    }

    private mutating func free(_ index: Int) {
        nodes[index] = Node(start: 0, tokens: [], blocks: [], parent: Self.none)
        unused.append(index)
    }

    // MARK: The order of use

    /// Makes the nodes of a path the newest, the first of them the newest of all.
    private mutating func use(_ path: [Int]) {
        for index in path.reversed() where newest != index {
            unlink(index)
            link(index)
        }
    }

    /// Puts a node behind the newest, or next before another.
    private mutating func link(_ index: Int, before other: Int = PrefixTree.none) {
        let older = other == Self.none ? newest : nodes[other].older
        nodes[index].older = older
        nodes[index].newer = other
        if older == Self.none { oldest = index } else { nodes[older].newer = index }
        if other == Self.none { newest = index } else { nodes[other].older = index }
    }

    private mutating func unlink(_ index: Int) {
        let (older, newer) = (nodes[index].older, nodes[index].newer)
        if older == Self.none { oldest = newer } else { nodes[older].newer = newer }
        if newer == Self.none { newest = older } else { nodes[newer].older = older }
    }
}
