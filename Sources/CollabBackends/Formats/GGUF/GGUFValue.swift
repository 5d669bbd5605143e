import Collab

/// A metadata value of a GGUF file.
public enum GGUFValue: Sendable {
    /// An integer of any of the file's types that fits `Int64`.
    case integer(Int64)
    /// An unsigned 64-bit integer of 2⁶³ or more.
    case unsigned(UInt64)
    /// A 32-bit floating point number.
    case float32(Float)
    /// A 64-bit floating point number.
    case float64(Double)
    /// A truth value.
    case bool(Bool)
    /// Text; invalid UTF-8 has been replaced by U+FFFD.
    case string(String)
    /// Elements, which stay in the file until they are asked for.
    case array(GGUFArray)

    /// Reads a value of a type.
    ///
    /// - Parameter depth: how many arrays this value is within; arrays may be in arrays, but not deeper.
    init(
        _ cursor: inout GGUFCursor,
        type: GGUFValueType,
        depth: Int,
        of owner: @autoclosure () -> String
    ) throws(CollabError) {
        switch type {
        case .uint8: self = .integer(Int64(try cursor.read(UInt8.self, owner())))
        case .int8: self = .integer(Int64(try cursor.read(Int8.self, owner())))
        case .uint16: self = .integer(Int64(try cursor.read(UInt16.self, owner())))
        case .int16: self = .integer(Int64(try cursor.read(Int16.self, owner())))
        case .uint32: self = .integer(Int64(try cursor.read(UInt32.self, owner())))
        case .int32: self = .integer(Int64(try cursor.read(Int32.self, owner())))
        case .int64: self = .integer(try cursor.read(Int64.self, owner()))
        case .uint64:
            let value = try cursor.read(UInt64.self, owner())
            self = Int64(exactly: value).map { .integer($0) } ?? .unsigned(value)
        case .float32: self = .float32(Float(bitPattern: try cursor.read(UInt32.self, owner())))
        case .float64: self = .float64(Double(bitPattern: try cursor.read(UInt64.self, owner())))
        case .bool:
            let value = try cursor.read(UInt8.self, owner())
            guard value <= 1 else {
                throw cursor.error("\(owner()) is a truth value of \(value)", at: cursor.position - 1)
            }
            self = .bool(value == 1)
        case .string:
            let bytes = try cursor.readBytes(limit: GGUFCursor.longestString, owner())
            self = .string(String(decoding: bytes, as: UTF8.self))
        case .array: self = .array(try GGUFArray(&cursor, depth: depth, of: owner()))
        }
    }
}
