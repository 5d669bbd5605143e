public import enum CollabKernels.TensorFormat

/// The type of a tensor's elements, as spelled in the file.
public enum SafetensorsType: String, Hashable, Sendable, CaseIterable {
    /// 32-bit floating point.
    case f32 = "F32"
    /// 16-bit IEEE floating point.
    case f16 = "F16"
    /// 16-bit brain floating point.
    case bf16 = "BF16"
    /// 64-bit floating point.
    case f64 = "F64"
    /// A complex number of two 32-bit floats.
    case c64 = "C64"
    /// 8-bit floating point, 5 bits of exponent.
    case f8E5M2 = "F8_E5M2"
    /// 8-bit floating point, 4 bits of exponent.
    case f8E4M3 = "F8_E4M3"
    /// An 8-bit exponent: the scale of a block.
    case f8E8M0 = "F8_E8M0"
    /// 6-bit floating point, 2 bits of exponent.
    case f6E2M3 = "F6_E2M3"
    /// 6-bit floating point, 3 bits of exponent.
    case f6E3M2 = "F6_E3M2"
    /// 4-bit floating point.
    case f4 = "F4"
    /// A truth value in a byte.
    case bool = "BOOL"
    /// An unsigned byte.
    case u8 = "U8"
    /// A signed byte.
    case i8 = "I8"
    /// An unsigned 16-bit integer.
    case u16 = "U16"
    /// A signed 16-bit integer.
    case i16 = "I16"
    /// An unsigned 32-bit integer.
    case u32 = "U32"
    /// A signed 32-bit integer.
    case i32 = "I32"
    /// An unsigned 64-bit integer.
    case u64 = "U64"
    /// A signed 64-bit integer.
    case i64 = "I64"

    /// How many bits an element takes.
    public var bitCount: Int {
        switch self {
        case .f4: 4
        case .f6E2M3, .f6E3M2: 6
        case .bool, .u8, .i8, .f8E5M2, .f8E4M3, .f8E8M0: 8
        case .f16, .bf16, .u16, .i16: 16
        case .f32, .u32, .i32: 32
        case .f64, .c64, .u64, .i64: 64
        }
    }

    /// Whether elements are whole numbers or truth values: buffers beside the weights, such as position ids.
    public var isInteger: Bool {
        switch self {
        case .bool, .u8, .i8, .u16, .i16, .u32, .i32, .u64, .i64: true
        default: false
        }
    }

    /// The format of the kernels that read it, or `nil` if there are none.
    public var format: TensorFormat? {
        switch self {
        case .f32: .f32
        case .f16: .f16
        case .bf16: .bf16
        default: nil
        }
    }

    /// The type that stores a format, or `nil` for quantised formats, which these files cannot hold.
    public init?(_ format: TensorFormat) {
        switch format {
        case .f32: self = .f32
        case .f16: self = .f16
        case .bf16: self = .bf16
        default: return nil
        }
    }
}
