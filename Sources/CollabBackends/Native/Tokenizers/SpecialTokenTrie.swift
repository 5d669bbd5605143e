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
        for (id, kind) in table.kinds.enumerated()
        where kind == .control || kind == .userDefined || kind == .unknown {
            insert(table.strings[id], token: TokenID(id), isControl: kind.isControl)
        }
    }

    private mutating func insert(_ spelling: ArraySlice<UInt8>, token: TokenID, isControl: Bool) {
        guard let first = spelling.first else { return }
        if roots[Int(first)] < 0 {
            roots[Int(first)] = Int32(nodes.count)
            nodes.append(Node(byte: first))
        }
        var node = Int(roots[Int(first)])
        for byte in spelling.dropFirst() {
            var child = nodes[node].firstChild
            while child >= 0, nodes[Int(child)].byte != byte { child = nodes[Int(child)].nextSibling }
            if child < 0 {
                child = Int32(nodes.count)
                nodes.append(Node(byte: byte, nextSibling: nodes[node].firstChild))
                nodes[node].firstChild = child
            }
            node = Int(child)
        }
        if nodes[node].token < 0 {
            nodes[node].token = token
            nodes[node].isControl = isControl
        }
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
