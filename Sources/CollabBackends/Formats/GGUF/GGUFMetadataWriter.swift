public import struct Collab.CollabError

/// Metadata of a GGUF file that is to be written: keys in order, set anew or taken over from another file byte by byte.
public struct GGUFMetadataWriter: Sendable {
    /// A value to be written.
    public enum Value: Hashable, Sendable {
        /// An unsigned 32-bit integer, as sizes and token ids are written.
        case uint32(UInt32)
        /// A 32-bit floating point number.
        case float32(Float)
        /// A truth value.
        case bool(Bool)
        /// Text.
        case string(String)
        /// Texts that need not be valid UTF-8, such as tokens.
        case texts([[UInt8]])
        /// 32-bit floating point numbers.
        case floats([Float])
        /// 32-bit integers.
        case int32s([Int32])
    }

    /// The keys in order.
    public private(set) var keys: [String] = []
    /// Key, type and value as bytes.
    private var entries: [UTF8Key: [UInt8]] = [:]
    /// The keys that the writer of a file sets itself.
    private static let layoutKeys: Set<String> = [
        "general.alignment", "split.no", "split.count", "split.tensors.count",
    ]

    /// Begins without a key.
    public init() {}

    /// Takes over all keys of a file but those about how it is laid out.
    ///
    /// Throws ``Collab/CollabError`` with `inputOutput` if the file was changed meanwhile.
    public init(copying file: GGUFFile) throws(CollabError) {
        try copy(from: file) { !Self.layoutKeys.contains($0) }
    }

    /// Takes over some keys of a file.
    mutating func copy(from file: GGUFFile, where isWanted: (String) -> Bool) throws(CollabError) {
        for entry in file.metadata.entries where isWanted(entry.key) {
            if entries[UTF8Key(entry.key)] == nil { keys.append(entry.key) }
            entries[UTF8Key(entry.key)] = Array(file.file.bytes[entry.extent])
        }
        try file.file.checkUnchanged()
    }

    /// Whether there is a key.
    public func contains(_ key: String) -> Bool { entries[UTF8Key(key)] != nil }

    /// Sets a key; a new one comes last.
    public mutating func set(_ key: String, _ value: Value) {
        if entries[UTF8Key(key)] == nil { keys.append(key) }
        entries[UTF8Key(key)] = gguf(key) + value.bytes
    }

    /// Removes a key.
    public mutating func remove(_ key: String) {
        if entries.removeValue(forKey: UTF8Key(key)) != nil { keys.removeAll { UTF8Key($0) == UTF8Key(key) } }
    }

    /// All entries one after another.
    var bytes: [UInt8] { keys.flatMap { entries[UTF8Key($0)] ?? [] } }
}

/// A text as GGUF has it: its length in bytes and the bytes.
func gguf(_ text: some StringProtocol) -> [UInt8] { gguf(Array(text.utf8)) }

/// Bytes of a text with their number before them.
private func gguf(_ bytes: [UInt8]) -> [UInt8] { littleEndian(UInt64(bytes.count)) + bytes }

/// The bytes of an integer, the lowest first.
func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

extension GGUFMetadataWriter.Value {
    /// The type's number and the value.
    fileprivate var bytes: [UInt8] {
        switch self {
        case .uint32(let value): typed(.uint32, littleEndian(value))
        case .float32(let value): typed(.float32, littleEndian(value.bitPattern))
        case .bool(let value): typed(.bool, [value ? 1 : 0])
        case .string(let value): typed(.string, gguf(value))
        case .texts(let values): array(.string, values.count, values.flatMap(gguf))
        case .floats(let values):
            array(.float32, values.count, values.flatMap { littleEndian($0.bitPattern) })
        case .int32s(let values): array(.int32, values.count, values.flatMap { littleEndian($0) })
        }
    }

    private func typed(_ type: GGUFValueType, _ bytes: [UInt8]) -> [UInt8] {
        littleEndian(type.rawValue) + bytes
    }

    private func array(_ type: GGUFValueType, _ count: Int, _ bytes: [UInt8]) -> [UInt8] {
        typed(.array, littleEndian(type.rawValue) + littleEndian(UInt64(count)) + bytes)
    }
}
