import Collab

/// The merges of a byte-pair vocabulary: which two tokens join, how early, and into what.
///
/// An open-addressing table over pairs of ids. At most half of the slots are taken.
struct MergeTable: Sendable {
    private struct Slot {
        var pair: UInt64 = .max
        /// The rank in the upper half (lower joins earlier), the joined token in the lower.
        var result: UInt64 = .max
    }

    private var slots: [Slot]
    private let mask: Int

    init(capacityFor count: Int) {
        var capacity = 16
        while capacity < count * 2 { capacity *= 2 }
        slots = Array(repeating: Slot(), count: capacity)
        mask = capacity - 1
    }

    /// Adds a merge; of two for the same pair the earlier one stands.
    mutating func insert(_ left: TokenID, _ right: TokenID, rank: Int, joined: TokenID) {
        let pair = Self.pair(left, right)
        var slot = Self.slot(of: pair) & mask
        while slots[slot].pair != .max {
            if slots[slot].pair == pair { return }
            slot = (slot + 1) & mask
        }
        slots[slot] = Slot(
            pair: pair,
            result: UInt64(UInt32(truncatingIfNeeded: rank)) << 32 | UInt64(UInt32(bitPattern: joined))
        )
    }

    /// Rank and joined token of a pair, or `UInt64.max` where the two do not join.
    @inline(__always)
    func result(_ left: TokenID, _ right: TokenID) -> UInt64 {
        let pair = Self.pair(left, right)
        return slots.withUnsafeBufferPointer { slots in
            var slot = Self.slot(of: pair) & mask
            while true {
                let entry = slots[slot]
                if entry.pair == pair { return entry.result }
                if entry.pair == .max { return .max }
                slot = (slot + 1) & mask
            }
        }
    }

    @inline(__always)
    private static func pair(_ left: TokenID, _ right: TokenID) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    @inline(__always)
    private static func slot(of pair: UInt64) -> Int {
        Int(truncatingIfNeeded: ByteHash.fold(pair ^ ByteHash.processSeed, 0x9E37_79B9_7F4A_7C15))
    }
}
