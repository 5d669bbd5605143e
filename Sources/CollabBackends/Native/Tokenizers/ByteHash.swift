/// A fast 64-bit hash over bytes, the same on every platform for the same seed.
///
/// It folds the 128-bit product of eight bytes and the state. Tables over names from files use a seed drawn once a
/// process, so that no file can be made whose names all collide; fingerprints use a fixed one.
enum ByteHash {
    /// The seed of hash tables in this process.
    static let processSeed = UInt64.random(in: .min ... .max)

    private static let first: UInt64 = 0x9E37_79B9_7F4A_7C15
    private static let second: UInt64 = 0xD6E8_FEB8_6659_FD93

    /// The hash of some bytes.
    @inline(__always)
    static func hash(_ bytes: UnsafeRawPointer, count: Int, seed: UInt64) -> UInt64 {
        var state = seed ^ (UInt64(truncatingIfNeeded: count) &* first)
        var offset = 0
        while offset &+ 8 <= count {
            state = fold(state ^ load64(bytes + offset), second)
            offset &+= 8
        }
        var tail: UInt64 = 0
        let rest = count &- offset
        if rest >= 4 {
            // The two loads overlap, and together they cover four to seven bytes.
            tail = load32(bytes + offset) << 32 | load32(bytes + (count &- 4))
        } else if rest > 0 {
            let pointer = (bytes + offset).assumingMemoryBound(to: UInt8.self)
            tail = UInt64(pointer[0]) << 16 | UInt64(pointer[rest / 2]) << 8 | UInt64(pointer[rest &- 1])
        }
        return fold(state ^ tail, first)
    }

    /// The two halves of the 128-bit product, combined.
    @inline(__always)
    static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right | 1)
        return product.high ^ product.low
    }

    @inline(__always)
    private static func load64(_ pointer: UnsafeRawPointer) -> UInt64 {
        UInt64(littleEndian: pointer.loadUnaligned(as: UInt64.self))
    }

    @inline(__always)
    private static func load32(_ pointer: UnsafeRawPointer) -> UInt64 {
        UInt64(UInt32(littleEndian: pointer.loadUnaligned(as: UInt32.self)))
    }
}
