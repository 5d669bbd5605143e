/// A fast 64-bit checksum, by which a merge that is gone on with tells whole tensors from torn ones.
///
/// Eight lanes of multiply and rotate over 8-byte words: each waits for itself alone. It finds accidents; it is no
/// protection from intent.
struct BlockChecksum {
    private var lanes: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (
        1, 2, 3, 4, 5, 6, 7, 8
    )
    /// Bytes that do not fill a block yet.
    private var pending: [UInt8] = []
    private var count: UInt64 = 0
    private static let blockBytes = 64
    private static let prime: UInt64 = 0x9E37_79B9_7F4A_7C15

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        count &+= UInt64(bytes.count)
        var rest = bytes[...]
        if !pending.isEmpty {
            let missing = min(Self.blockBytes - pending.count, rest.count)
            pending.append(contentsOf: rest.prefix(missing))
            rest = rest.dropFirst(missing)
            if pending.count < Self.blockBytes { return }
            let block = pending
            pending.removeAll(keepingCapacity: true)
            block.withUnsafeBytes { mix($0) }
        }
        let whole = rest.count & ~(Self.blockBytes - 1)
        mix(UnsafeRawBufferPointer(rebasing: rest.prefix(whole)))
        pending.append(contentsOf: rest.dropFirst(whole))
    }

    private mutating func mix(_ blocks: UnsafeRawBufferPointer) {
        var (a, b, c, d, e, f, g, h) = lanes
        var offset = 0
        func word(_ place: Int) -> UInt64 {
            blocks.loadUnaligned(fromByteOffset: offset + 8 * place, as: UInt64.self)
        }
        while offset < blocks.count {
            a = Self.step(a, word(0))
            b = Self.step(b, word(1))
            c = Self.step(c, word(2))
            d = Self.step(d, word(3))
            e = Self.step(e, word(4))
            f = Self.step(f, word(5))
            g = Self.step(g, word(6))
            h = Self.step(h, word(7))
            offset += Self.blockBytes
        }
        lanes = (a, b, c, d, e, f, g, h)
    }

    @inline(__always)
    private static func step(_ lane: UInt64, _ word: UInt64) -> UInt64 {
        let mixed = (lane ^ word) &* prime
        return mixed << 31 | mixed >> 33
    }

    /// The checksum of the bytes so far.
    var value: UInt64 {
        var result = count
        let (a, b, c, d, e, f, g, h) = lanes
        for lane in [a, b, c, d, e, f, g, h] { result = Self.step(result, lane) }
        for byte in pending { result = Self.step(result, UInt64(byte) + 1) }
        return result ^ result >> 29
    }
}
