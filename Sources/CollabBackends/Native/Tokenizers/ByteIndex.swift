#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Finds a byte string's number: an open-addressing table over ``ByteStrings``.
///
/// A slot is 32 bits: the number plus one, and as many bits of the hash as are left, so that most strangers are told
/// apart without looking at their bytes. At most half of the slots are taken. Of equal strings the first one wins.
struct ByteIndex: Sendable {
    private var slots: [UInt32]
    private let mask: Int
    /// The bits of a slot that hold the number plus one.
    private let numberMask: UInt32

    /// Builds the table over those strings that `isIncluded` admits.
    init(_ strings: ByteStrings, where isIncluded: (Int) -> Bool) {
        var capacity = 16
        while capacity < strings.count * 2 { capacity *= 2 }
        let mask = capacity - 1
        // The capacity is at least twice the count, so the bits below it have room for the number plus one.
        let numberMask = UInt32(truncatingIfNeeded: mask)
        self.mask = mask
        self.numberMask = numberMask
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
                        let tag = UInt32(truncatingIfNeeded: hash >> 32) & ~numberMask
                        var slot = Int(truncatingIfNeeded: hash) & mask
                        while slots[slot] != 0 {
                            let entry = slots[slot]
                            if entry & ~numberMask == tag {
                                let other = Int(entry & numberMask) - 1
                                let otherStart = Int(offsets[other])
                                if Int(offsets[other + 1]) - otherStart == count,
                                    memcmp(base + otherStart, base + start, count) == 0
                                {
                                    break
                                }
                            }
                            slot = (slot + 1) & mask
                        }
                        if slots[slot] == 0 { slots[slot] = tag | UInt32(truncatingIfNeeded: number + 1) }
                    }
                }
            }
        }
    }

    /// The number of a string, or −1.
    @inline(__always)
    func find(_ key: UnsafeRawPointer, count: Int, in strings: ByteStrings) -> Int32 {
        let hash = ByteHash.hash(key, count: count, seed: ByteHash.processSeed)
        let tag = UInt32(truncatingIfNeeded: hash >> 32) & ~numberMask
        return slots.withUnsafeBufferPointer { slots in
            var slot = Int(truncatingIfNeeded: hash) & mask
            while true {
                let entry = slots[slot]
                if entry == 0 { return -1 }
                if entry & ~numberMask == tag {
                    let number = Int(entry & numberMask) - 1
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
