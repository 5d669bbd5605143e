import CollabKernels

/// A seeded generator (splitmix64).
struct TestRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func float() -> Float { Float.random(in: -1..<1, using: &self) }

    mutating func floats(_ count: Int) -> [Float] { (0..<count).map { _ in float() } }
}

/// Stored tensors with random contents and sane scales.
enum RandomTensor {
    static func bytes(format: TensorFormat, elements: Int, using random: inout TestRandom) -> [UInt8] {
        if format.blockElements == 1 {
            var bytes: [UInt8] = []
            for _ in 0..<elements {
                let value = random.float()
                switch format {
                case .f32: withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
                case .f16: bytes += try! TensorConversion.quantize([value], as: .f16)
                default: withUnsafeBytes(of: UInt16(value.bitPattern >> 16).littleEndian) { bytes += $0 }
                }
            }
            return bytes
        }
        var bytes: [UInt8] = []
        for _ in 0..<elements / format.blockElements {
            var block = (0..<format.blockBytes).map { _ in UInt8.random(in: 0...255, using: &random) }
            for offset in scaleOffsets(format) {
                // 2⁻⁶ to 2⁻⁵, either sign.
                block[offset + 1] = (block[offset + 1] & 0x83) | 0x24
            }
            bytes += block
        }
        return bytes
    }

    private static func scaleOffsets(_ format: TensorFormat) -> [Int] {
        switch format {
        case .q8_0, .q4_0, .q5_0: [0]
        case .q4_1, .q5_1, .q4_K, .q5_K: [0, 2]
        case .q6_K: [208]
        case .f32, .f16, .bf16: []
        }
    }
}

extension TensorFormat {
    /// Where in a block the weights' own bits lie.
    var quants: Range<Int> {
        switch self {
        case .q6_K: 0..<192
        case .q4_K, .q5_K: 16..<blockBytes
        case .q4_1, .q5_1: 4..<blockBytes
        case .q8_0, .q4_0, .q5_0: 2..<blockBytes
        case .f32, .f16, .bf16: 0..<blockBytes
        }
    }
}
