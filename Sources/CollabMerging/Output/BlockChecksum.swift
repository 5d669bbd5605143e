/// A fast 64-bit checksum, by which a merge that is gone on with tells whole tensors from torn ones.
///
/// Four lanes of multiply and rotate over 8-byte words. It finds accidents; it is no protection from intent.
struct BlockChecksum {
    private var lanes: (UInt64, UInt64, UInt64, UInt64) = (1, 2, 3, 4)
    /// Bytes that do not fill 32 yet.
    private var pending: [UInt8] = []
    private var count: UInt64 = 0
    private static let prime: UInt64 = 0x9E37_79B9_7F4A_7C15

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        count &+= UInt64(bytes.count)
        var rest = bytes[...]
        if !pending.isEmpty {
            let missing = min(32 - pending.count, rest.count)
            pending.append(contentsOf: rest.prefix(missing))
            rest = rest.dropFirst(missing)
            if pending.count < 32 { return }
            let block = pending
            pending.removeAll(keepingCapacity: true)
            block.withUnsafeBytes { mix($0) }
        }
        let whole = rest.count & ~31
        mix(UnsafeRawBufferPointer(rebasing: rest.prefix(whole)))
        pending.append(contentsOf: rest.dropFirst(whole))
    }

    private mutating func mix(_ blocks: UnsafeRawBufferPointer) {
        var (a, b, c, d) = lanes
        var offset = 0
        while offset < blocks.count {
            a = Self.step(a, blocks.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            b = Self.step(b, blocks.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
            c = Self.step(c, blocks.loadUnaligned(fromByteOffset: offset + 16, as: UInt64.self))
            d = Self.step(d, blocks.loadUnaligned(fromByteOffset: offset + 24, as: UInt64.self))
            offset += 32
        }
        lanes = (a, b, c, d)
    }

    @inline(__always)
    private static func step(_ lane: UInt64, _ word: UInt64) -> UInt64 {
        let mixed = (lane ^ word) &* prime
        return mixed << 31 | mixed >> 33
    }

    /// The checksum of the bytes so far.
    var value: UInt64 {
        var result = count
        for lane in [lanes.0, lanes.1, lanes.2, lanes.3] { result = Self.step(result, lane) }
        for byte in pending { result = Self.step(result, UInt64(byte) + 1) }
        return result ^ result >> 29
    }
}
