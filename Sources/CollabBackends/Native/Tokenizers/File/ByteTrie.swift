import Collab

/// Byte strings as paths from a root: finds all that begin at a place of a text, shortest first.
///
/// The edges lie in one open-addressing table over (node, byte).
struct ByteTrie: Sendable {
    /// Node in the upper 24 bits, byte in the next eight, child in the lower 32.
    private var slots: [UInt64]
    private var mask: Int
    private var roots = [Int32](repeating: -1, count: 256)
    /// The token that ends at each node, or −1.
    private var tokens: [TokenID] = []

    /// The most nodes.
    private static let limit = 1 << 24
    /// The most bytes of a token.
    private static let longestToken = 4096

    init() {
        slots = Array(repeating: .max, count: 1024)
        mask = 1023
    }

    /// Adds a string that is not empty; of equal ones the first stands.
    ///
    /// Throws `unsupported` for vocabularies of more than 16 million nodes, and for a token of more than 4,096 bytes: a text
    /// takes its length times that of the longest token.
    mutating func insert(_ string: some Sequence<UInt8>, _ token: TokenID) throws(CollabError) {
        var node: Int32 = -1
        var length = 0
        for byte in string {
            length += 1
            guard length <= Self.longestToken else {
                throw CollabError(
                    .unsupported,
                    "The vocabulary has a token of more than \(Self.longestToken) bytes, number \(token)."
                )
            }
            let found = node < 0 ? roots[Int(byte)] : child(byte, of: node)
            if found >= 0 {
                node = found
                continue
            }
            guard tokens.count < Self.limit else {
                throw CollabError(
                    .unsupported,
                    "The vocabulary is too large: its tokens have no room in a trie."
                )
            }
            let made = Int32(tokens.count)
            tokens.append(-1)
            if node < 0 { roots[Int(byte)] = made } else { add(edge: Self.key(byte, node), to: made) }
            node = made
        }
        if node >= 0, tokens[Int(node)] < 0 { tokens[Int(node)] = token }
    }

    /// Lends every token that begins at a place, with the place where it ends.
    @inline(__always)
    func forEachMatch(
        _ text: UnsafeBufferPointer<UInt8>,
        from start: Int,
        to end: Int,
        _ body: (TokenID, Int) -> Void
    ) {
        var node = roots[Int(text[start])]
        var position = start
        while node >= 0 {
            position += 1
            let token = tokens[Int(node)]
            if token >= 0 { body(token, position) }
            if position == end { return }
            node = child(text[position], of: node)
        }
    }

    private static func key(_ byte: UInt8, _ node: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: node)) << 8 | UInt64(byte)
    }

    private static func slot(_ key: UInt64) -> Int {
        Int(truncatingIfNeeded: ByteHash.fold(key ^ ByteHash.processSeed, 0x9E37_79B9_7F4A_7C15))
    }

    @inline(__always)
    private func child(_ byte: UInt8, of node: Int32) -> Int32 {
        let key = Self.key(byte, node)
        return slots.withUnsafeBufferPointer { slots in
            var slot = Self.slot(key) & mask
            while slots[slot] != .max {
                if slots[slot] >> 32 == key { return Int32(truncatingIfNeeded: slots[slot]) }
                slot = (slot + 1) & mask
            }
            return -1
        }
    }

    private mutating func add(edge key: UInt64, to child: Int32) {
        if tokens.count * 2 > slots.count {
            let old = slots
            slots = Array(repeating: .max, count: old.count * 2)
            mask = slots.count - 1
            for entry in old where entry != .max { place(entry) }
        }
        place(key << 32 | UInt64(UInt32(bitPattern: child)))
    }

    private mutating func place(_ entry: UInt64) {
        var slot = Self.slot(entry >> 32) & mask
        while slots[slot] != .max { slot = (slot + 1) & mask }
        slots[slot] = entry
    }
}
