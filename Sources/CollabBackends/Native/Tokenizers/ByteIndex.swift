#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Finds a byte string's number: an open-addressing table over ``ByteStrings``.
///
/// A slot holds the upper half of the hash and the number plus one, so that most strangers are told apart without
/// looking at their bytes. At most half of the slots are taken. Of equal strings the first one wins.
struct ByteIndex: Sendable {
    private var slots: [UInt64]
    private let mask: Int

    /// Builds the table over those strings that `isIncluded` admits.
    init(_ strings: ByteStrings, where isIncluded: (Int) -> Bool) {
        var capacity = 16
        while capacity < strings.count * 2 { capacity *= 2 }
        let mask = capacity - 1
        self.mask = mask
        slots = Array(repeating: 0, count: capacity)
        let seed = ByteHash.processSeed
        slots.withUnsafeMutableBufferPointer { slots in
            strings.bytes.withUnsafeBytes { bytes in
                strings.offsets.withUnsafeBufferPointer { offsets in
                    guard let base = bytes.baseAddress else { return }
                    for number in 0..<(offsets.count - 1) where isIncluded(number) {
                        let start = Int(offsets[number])
                        let count = Int(offsets[number + 1]) - start
                        if count == 0 { continue }
                        let hash = ByteHash.hash(base + start, count: count, seed: seed)
                        var slot = Int(truncatingIfNeeded: hash) & mask
                        while slots[slot] != 0 {
                            let entry = slots[slot]
                            if entry >> 32 == hash >> 32 {
                                let other = Int(truncatingIfNeeded: entry & 0xFFFF_FFFF) - 1
                                let otherStart = Int(offsets[other])
                                if Int(offsets[other + 1]) - otherStart == count,
                                    memcmp(base + otherStart, base + start, count) == 0
                                {
                                    break
                                }
                            }
                            slot = (slot + 1) & mask
                        }
                        if slots[slot] == 0 { slots[slot] = (hash & ~0xFFFF_FFFF) | UInt64(number + 1) }
                    }
                }
            }
        }
    }

    /// The number of a string, or −1.
    @inline(__always)
    func find(_ key: UnsafeRawPointer, count: Int, in strings: ByteStrings) -> Int32 {
        let hash = ByteHash.hash(key, count: count, seed: ByteHash.processSeed)
        return slots.withUnsafeBufferPointer { slots in
            var slot = Int(truncatingIfNeeded: hash) & mask
            while true {
                let entry = slots[slot]
                if entry == 0 { return -1 }
                if entry >> 32 == hash >> 32 {
                    let number = Int(truncatingIfNeeded: entry & 0xFFFF_FFFF) - 1
                    let range = strings.range(of: number)
                    let isSame =
                        range.count == count
                        && strings.bytes.withUnsafeBytes {
                            memcmp($0.baseAddress! + range.lowerBound, key, count) == 0
                        }
                    if isSame { return Int32(truncatingIfNeeded: number) }
                }
                slot = (slot + 1) & mask
            }
        }
    }
}
