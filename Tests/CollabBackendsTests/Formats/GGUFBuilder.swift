import CollabBackends

/// Writes little GGUF files for tests.
struct GGUFBuilder {
    enum Value {
        case integer(Int64, width: GGUFValueType)
        case unsigned(UInt64)
        case float32(Float)
        case float64(Double)
        case bool(Bool)
        case string(String)
        case strings([String])
        case floats([Float])
        case integers([Int64], width: GGUFValueType)
        case nested([[String]])
    }

    private var keys: [UInt8] = []
    private var keyCount = 0
    private var infos: [UInt8] = []
    private var data: [UInt8] = []
    /// How far the data would reach with the holes behind it.
    private var dataEnd = 0
    private var tensorCount = 0
    private var alignment = 32

    func key(_ key: String, _ value: Value) -> GGUFBuilder {
        var builder = self
        if key == "general.alignment", case .integer(let value, _) = value { builder.alignment = Int(value) }
        builder.keyCount += 1
        builder.keys += Self.text(key) + Self.typed(value)
        return builder
    }

    func tensor(_ name: String, dimensions: [UInt64], type: UInt32, bytes: [UInt8]) -> GGUFBuilder {
        var builder = self
        builder.tensorCount += 1
        builder.infos +=
            Self.text(name) + Self.little(UInt32(dimensions.count)) + dimensions.flatMap(Self.little)
        builder.infos += Self.little(type) + Self.little(UInt64(max(data.count, dataEnd)))
        builder.data += bytes
        builder.data += Array(repeating: 0, count: (alignment - builder.data.count % alignment) % alignment)
        builder.dataEnd = builder.data.count
        return builder
    }

    /// A tensor whose bytes are not written: the file has to be made longer, see ``fullCount``.
    func hole(_ name: String, dimensions: [UInt64], type: UInt32, byteCount: Int) -> GGUFBuilder {
        var builder = tensor(name, dimensions: dimensions, type: type, bytes: [])
        builder.dataEnd = dataEnd + (byteCount + alignment - 1) / alignment * alignment
        return builder
    }

    /// The bytes of the file with its holes.
    var fullCount: Int { build().count - data.count + dataEnd }

    func build() -> [UInt8] {
        var file = Array("GGUF".utf8) + Self.little(UInt32(3))
        file += Self.little(UInt64(tensorCount)) + Self.little(UInt64(keyCount)) + keys + infos
        file += Array(repeating: 0, count: (alignment - file.count % alignment) % alignment)
        return file + data
    }

    private static func typed(_ value: Value) -> [UInt8] {
        func array(_ type: GGUFValueType, _ count: Int, _ elements: [UInt8]) -> [UInt8] {
            little(GGUFValueType.array.rawValue) + little(type.rawValue) + little(UInt64(count)) + elements
        }
        switch value {
        case .integer(let value, let width): return little(width.rawValue) + integer(value, width)
        case .unsigned(let value): return little(GGUFValueType.uint64.rawValue) + little(value)
        case .float32(let value): return little(GGUFValueType.float32.rawValue) + little(value.bitPattern)
        case .float64(let value): return little(GGUFValueType.float64.rawValue) + little(value.bitPattern)
        case .bool(let value): return little(GGUFValueType.bool.rawValue) + [value ? 1 : 0]
        case .string(let value): return little(GGUFValueType.string.rawValue) + text(value)
        case .strings(let values): return array(.string, values.count, values.flatMap(text))
        case .floats(let values):
            return array(.float32, values.count, values.flatMap { little($0.bitPattern) })
        case .integers(let values, let width):
            return array(width, values.count, values.flatMap { integer($0, width) })
        case .nested(let values):
            return array(.array, values.count, values.flatMap { Array(typed(.strings($0)).dropFirst(4)) })
        }
    }

    private static func integer(_ value: Int64, _ width: GGUFValueType) -> [UInt8] {
        switch width {
        case .uint8, .int8: little(UInt8(truncatingIfNeeded: value))
        case .uint16, .int16: little(UInt16(truncatingIfNeeded: value))
        case .uint32, .int32: little(UInt32(truncatingIfNeeded: value))
        default: little(UInt64(bitPattern: value))
        }
    }

    private static func text(_ text: String) -> [UInt8] { little(UInt64(text.utf8.count)) + Array(text.utf8) }

    private static func little(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
