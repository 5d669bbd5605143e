import Collab

/// Finds tokens that are cut out of a text whole: user-defined ones always, control tokens where asked.
///
/// Of several that begin at one place the longest wins; of overlapping ones the leftmost.
struct SpecialTokenTrie: Sendable {
    /// A token found in a text.
    struct Match {
        var token: TokenID
        var length: Int
    }

    private struct Node {
        var byte: UInt8
        var token: TokenID = -1
        var isControl = false
        var firstChild: Int32 = -1
        var nextSibling: Int32 = -1
    }

    private var nodes: [Node] = []
    /// The node under the root for each first byte, or −1.
    private var roots = [Int32](repeating: -1, count: 256)

    init(_ table: TokenTable) {
        // The node of every byte of the spelling that was inserted last. Vocabularies list `<unused1>`, `<unused2>`…
        // together, so the next spelling mostly begins with the same nodes.
        var lastPath: [(byte: UInt8, node: Int32)] = []
        let special = table.kinds.withUnsafeBufferPointer { kinds in
            kinds.indices.filter {
                kinds[$0] == .control || kinds[$0] == .userDefined || kinds[$0] == .unknown
            }
        }
        for id in special {
            insert(table.strings[id], token: TokenID(id), isControl: table.kinds[id].isControl, &lastPath)
        }
    }

    /// Makes a trie of spellings; of equal ones the first stands.
    init(_ spellings: [(spelling: ArraySlice<UInt8>, token: TokenID)]) {
        var lastPath: [(byte: UInt8, node: Int32)] = []
        for (spelling, token) in spellings { insert(spelling, token: token, isControl: false, &lastPath) }
    }

    private mutating func insert(
        _ spelling: ArraySlice<UInt8>,
        token: TokenID,
        isControl: Bool,
        _ lastPath: inout [(byte: UInt8, node: Int32)]
    ) {
        guard !spelling.isEmpty else { return }
        var shared = 0
        while shared < lastPath.count, shared < spelling.count,
            lastPath[shared].byte == spelling[spelling.startIndex + shared]
        {
            shared += 1
        }
        lastPath.removeLast(lastPath.count - shared)
        for byte in spelling.dropFirst(shared) {
            lastPath.append((byte, child(byte, of: lastPath.last?.node)))
        }
        let node = Int(lastPath[lastPath.count - 1].node)
        if nodes[node].token < 0 {
            nodes[node].token = token
            nodes[node].isControl = isControl
        }
    }

    /// The node for a byte below another, or below the root; it is made where there is none.
    private mutating func child(_ byte: UInt8, of parent: Int32?) -> Int32 {
        let first = parent.map { nodes[Int($0)].firstChild } ?? roots[Int(byte)]
        var child = first
        while child >= 0, nodes[Int(child)].byte != byte { child = nodes[Int(child)].nextSibling }
        if child >= 0 { return child }
        let made = Int32(nodes.count)
        nodes.append(Node(byte: byte, nextSibling: parent == nil ? -1 : first))
        if let parent { nodes[Int(parent)].firstChild = made } else { roots[Int(byte)] = made }
        return made
    }

    /// The longest token that begins at a place.
    @inline(__always)
    func match(_ text: UnsafeBufferPointer<UInt8>, at start: Int, includingControl: Bool) -> Match? {
        var node = roots[Int(text[start])]
        if node < 0 { return nil }
        var found: Match?
        var position = start
        while true {
            let entry = nodes[Int(node)]
            position += 1
            if entry.token >= 0, includingControl || !entry.isControl {
                found = Match(token: entry.token, length: position - start)
            }
            if position == text.count { return found }
            let byte = text[position]
            node = entry.firstChild
            while node >= 0, nodes[Int(node)].byte != byte { node = nodes[Int(node)].nextSibling }
            if node < 0 { return found }
        }
    }

    /// The token that is written exactly like this.
    func token(named name: String) -> TokenID? {
        var name = name
        return name.withUTF8 { bytes in
            guard !bytes.isEmpty, let match = match(bytes, at: 0, includingControl: true) else { return nil }
            return match.length == bytes.count ? match.token : nil
        }
    }

    /// Cuts a text into plain stretches and special tokens, in order.
    func split(
        _ text: UnsafeBufferPointer<UInt8>,
        includingControl: Bool,
        plain: (Range<Int>) -> Void,
        special: (TokenID) -> Void
    ) {
        var plainStart = 0
        var position = 0
        while position < text.count {
            guard let match = match(text, at: position, includingControl: includingControl) else {
                position += 1
                continue
            }
            if plainStart < position { plain(plainStart..<position) }
            special(match.token)
            position += match.length
            plainStart = position
        }
        if plainStart < text.count { plain(plainStart..<text.count) }
    }
}
