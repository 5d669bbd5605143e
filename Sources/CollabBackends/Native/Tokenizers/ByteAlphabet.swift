/// The printable alphabet in which byte-level vocabularies write their 256 bytes.
///
/// Bytes that print stand for themselves; the others take the scalars from U+0100 on, in order. So a space is
/// written `Ġ` (U+0120).
///
/// Source: A. Radford et al., *Language Models are Unsupervised Multitask Learners* (GPT-2), 2019.
enum ByteAlphabet {
    /// The scalar that writes each byte.
    static let scalars: [UInt16] = {
        var scalars = [UInt16](repeating: 0, count: 256)
        var next: UInt16 = 256
        for byte in 0..<256 {
            switch byte {
            case 33...126, 161...172, 174...255: scalars[byte] = UInt16(byte)
            default:
                scalars[byte] = next
                next += 1
            }
        }
        return scalars
    }()

    /// The byte that each scalar writes, or −1; indexed by the scalar, which is below U+0144.
    static let bytes: [Int16] = {
        var bytes = [Int16](repeating: -1, count: 324)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar)] = Int16(byte) }
        return bytes
    }()

    /// Reads a token written in the alphabet, writes the bytes it means, and returns how many they are.
    ///
    /// A token with any other character in it is not written in the alphabet, and is taken as it is.
    @inline(__always)
    static func decode(
        _ written: UnsafeBufferPointer<UInt8>,
        table: UnsafeBufferPointer<Int16>,
        to output: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var index = 0
        var count = 0
        while index < written.count {
            let lead = written[index]
            var scalar = Int(lead)
            index += 1
            if lead >= 0xC0, lead < 0xE0, index < written.count {
                scalar = Int(lead & 0x1F) << 6 | Int(written[index] & 0x3F)
                index += 1
            } else if lead >= 0x80 {
                scalar = table.count
            }
            let byte = scalar < table.count ? table[scalar] : -1
            if byte < 0 {
                for (index, byte) in written.enumerated() { output[index] = byte }
                return written.count
            }
            output[count] = UInt8(truncatingIfNeeded: byte)
            count += 1
        }
        return count
    }
}
