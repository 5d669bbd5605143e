/// How a tensor's elements are stored.
public enum TensorFormat: String, Hashable, Sendable, Codable, CaseIterable {
    /// 32-bit floating point.
    case f32
    /// 16-bit IEEE floating point.
    case f16
    /// 16-bit brain floating point.
    case bf16
    /// Blocks of 32: one scale, 8-bit signed values.
    case q8_0
    /// Blocks of 32: one scale, 4-bit values around 8.
    case q4_0
    /// Blocks of 32: scale and minimum, 4-bit values.
    case q4_1
    /// Blocks of 32: one scale, 5-bit values around 16.
    case q5_0
    /// Blocks of 32: scale and minimum, 5-bit values.
    case q5_1
    /// Super-blocks of 256: eight 6-bit scales and minima, 4-bit values.
    case q4_K
    /// Super-blocks of 256: eight 6-bit scales and minima, 5-bit values.
    case q5_K
    /// Super-blocks of 256: sixteen 8-bit scales, 6-bit values around 32.
    case q6_K

    /// How many elements a block holds.
    public var blockElements: Int {
        switch self {
        case .f32, .f16, .bf16: 1
        case .q8_0, .q4_0, .q4_1, .q5_0, .q5_1: 32
        case .q4_K, .q5_K, .q6_K: 256
        }
    }

    /// How many bytes a block takes.
    public var blockBytes: Int {
        switch self {
        case .f32: 4
        case .f16, .bf16: 2
        case .q8_0: 34
        case .q4_0: 18
        case .q4_1: 20
        case .q5_0: 22
        case .q5_1: 24
        case .q4_K: 144
        case .q5_K: 176
        case .q6_K: 210
        }
    }
}
