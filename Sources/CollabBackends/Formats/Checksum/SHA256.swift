import CKernels

/// SHA-256 (FIPS 180-4) over bytes that come in pieces.
///
/// It runs at memory speed where the processor has instructions for it, and at a few hundred megabytes a second
/// elsewhere.
public struct SHA256: Sendable {
    // The first 32 bits of the fractional parts of the square roots of the first eight primes.
    private var state: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
        0x5be0_cd19,
    ]
    /// Bytes that do not fill a block yet.
    private var pending: [UInt8] = []
    private var byteCount: UInt64 = 0
    private let isPortable: Bool

    /// Starts with no bytes.
    public init() {
        self.init(isPortable: false)
    }

    /// Starts with no bytes; portable code leaves the processor's instructions unused.
    init(isPortable: Bool) {
        self.isPortable = isPortable
    }

    /// Adds bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        byteCount &+= UInt64(bytes.count)
        var rest = bytes[...]
        if !pending.isEmpty {
            let missing = min(64 - pending.count, rest.count)
            pending.append(contentsOf: rest.prefix(missing))
            rest = rest.dropFirst(missing)
            if pending.count < 64 { return }
            let block = pending
            pending.removeAll(keepingCapacity: true)
            block.withUnsafeBytes { compress($0) }
        }
        let whole = rest.count & ~63
        if whole > 0 { compress(UnsafeRawBufferPointer(rebasing: rest.prefix(whole))) }
        pending.append(contentsOf: rest.dropFirst(whole))
    }

    /// Adds bytes.
    public mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// The digest of the bytes so far.
    public func digest() -> SHA256Digest {
        var copy = self
        // One bit, zeros up to eight bytes before the end of a block, and the number of bits.
        let padding = (119 - Int(byteCount % 64)) % 64
        let bits = (byteCount &* 8).bigEndian
        copy.update([0x80] + Array(repeating: 0, count: padding) + withUnsafeBytes(of: bits) { Array($0) })
        return SHA256Digest(
            bytes: copy.state.flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
        )
    }

    private mutating func compress(_ blocks: UnsafeRawBufferPointer) {
        guard let start = blocks.baseAddress else { return }
        collab_sha256_compress(&state, start, blocks.count / 64, isPortable)
    }
}

/// The 32 bytes of a SHA-256; they print as 64 hexadecimal digits.
public struct SHA256Digest: Hashable, Sendable, CustomStringConvertible {
    /// The bytes.
    public let bytes: [UInt8]

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Reads 64 hexadecimal digits; `nil` for anything else.
    public init?(_ text: String) {
        let digits = text.utf8.compactMap { UInt8(String(Unicode.Scalar($0)), radix: 16) }
        guard digits.count == 64, text.utf8.count == 64 else { return nil }
        bytes = stride(from: 0, to: 64, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    /// 64 hexadecimal digits in lower case.
    public var description: String {
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count < 2 ? "0" + digits : digits
        }.joined()
    }
}
