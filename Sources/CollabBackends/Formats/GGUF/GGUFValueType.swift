/// The type of a metadata value, as numbered in the file.
public enum GGUFValueType: UInt32, Hashable, Sendable, CaseIterable {
    /// An unsigned 8-bit integer.
    case uint8 = 0
    /// A signed 8-bit integer.
    case int8 = 1
    /// An unsigned 16-bit integer.
    case uint16 = 2
    /// A signed 16-bit integer.
    case int16 = 3
    /// An unsigned 32-bit integer.
    case uint32 = 4
    /// A signed 32-bit integer.
    case int32 = 5
    /// A 32-bit floating point number.
    case float32 = 6
    /// A truth value: a byte that is 0 or 1.
    case bool = 7
    /// Text in UTF-8, preceded by its length.
    case string = 8
    /// Elements of one type, preceded by the type and their number.
    case array = 9
    /// An unsigned 64-bit integer.
    case uint64 = 10
    /// A signed 64-bit integer.
    case int64 = 11
    /// A 64-bit floating point number.
    case float64 = 12

    /// How many bytes a value takes; `nil` for text and arrays.
    var byteCount: Int? {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        case .string, .array: nil
        }
    }

    /// The fewest bytes that a value can take: what bounds how many of them fit a file.
    var leastByteCount: Int { byteCount ?? (self == .string ? 8 : 12) }
}
