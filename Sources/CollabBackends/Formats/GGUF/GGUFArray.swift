import Collab

/// An array in the metadata of a GGUF file: a view of the mapped bytes.
///
/// Opening a file checks every element but copies none, so that a vocabulary of hundreds of thousands of tokens
/// costs a few milliseconds.
public struct GGUFArray: Sendable {
    /// The type of the elements.
    public let elementType: GGUFValueType
    /// How many elements there are.
    public let count: Int
    private let file: MappedFile
    /// Where the first element is.
    private let start: Int
    /// For texts and arrays: where the content of each element begins, and where that of one more would.
    private let offsets: [Int]

    init(_ cursor: inout GGUFCursor, depth: Int, of owner: @autoclosure () -> String) throws(CollabError) {
        let offset = cursor.position
        let typeID = try cursor.read(UInt32.self, "the element type of \(owner())")
        guard let type = GGUFValueType(rawValue: typeID) else {
            throw cursor.error("\(owner()) is an array of values of the unknown type \(typeID)", at: offset)
        }
        guard type != .array || depth == 0 else {
            throw cursor.error("\(owner()) has arrays nested more than two deep", at: offset)
        }
        let claimed = try cursor.read(UInt64.self, "the number of elements of \(owner())")
        guard claimed <= UInt64(cursor.left / type.leastByteCount) else {
            throw cursor.error(
                "\(owner()) claims to have \(claimed) elements where \(cursor.left) bytes are left",
                at: cursor.position - 8
            )
        }
        let count = Int(claimed)
        elementType = type
        self.count = count
        file = cursor.file
        start = cursor.position
        switch type {
        case .string: offsets = try cursor.skipStrings(count: count, owner())
        case .array:
            var offsets: [Int] = []
            offsets.reserveCapacity(count)
            for _ in 0..<count {
                offsets.append(cursor.position)
                _ = try GGUFArray(&cursor, depth: depth + 1, of: owner())
            }
            self.offsets = offsets
        case .bool:
            try cursor.skipBools(count: count, owner())
            offsets = []
        default:
            cursor.position += count * type.leastByteCount
            offsets = []
        }
    }

    /// The elements as texts; `nil` if they are something else.
    public var strings: GGUFStringArray? {
        elementType == .string ? GGUFStringArray(file: file, offsets: offsets) : nil
    }

    /// The elements as integers, whatever their width; `nil` if they are something else or one exceeds `Int`.
    public var integers: [Int]? {
        switch elementType {
        case .uint8: copy(UInt8.self) { Int($0) }
        case .int8: copy(Int8.self) { Int($0) }
        case .uint16: copy(UInt16.self) { Int($0) }
        case .int16: copy(Int16.self) { Int($0) }
        case .uint32: copy(UInt32.self) { Int($0) }
        case .int32: copy(Int32.self) { Int($0) }
        case .int64: copy(Int64.self) { Int($0) }
        case .uint64:
            copy(UInt64.self) { $0 }.reduce(into: [Int]?([])) { all, value in
                if let value = Int(exactly: value) { all?.append(value) } else { all = nil }
            }
        default: nil
        }
    }

    /// The elements as 32-bit floating point numbers; `nil` if they are stored as something else.
    public var floats: [Float]? {
        elementType == .float32 ? copy(UInt32.self) { Float(bitPattern: $0) } : nil
    }

    /// The elements as bytes; `nil` if they are stored as something else.
    public var bytes: [UInt8]? {
        [.uint8, .int8].contains(elementType) ? copy(UInt8.self) { $0 } : nil
    }

    /// The elements as 32-bit integers; `nil` if they are stored as something else.
    public var int32s: [Int32]? {
        elementType == .int32 ? copy(Int32.self) { $0 } : nil
    }

    /// The element at a position.
    public subscript(position: Int) -> GGUFValue {
        precondition((0..<count).contains(position), "There is no element \(position) of \(count).")
        if let strings { return .string(strings[position]) }
        let place = elementType == .array ? offsets[position] : start + position * elementType.leastByteCount
        var cursor = GGUFCursor(file: file, position: place)
        do {
            return try GGUFValue(&cursor, type: elementType, depth: 1, of: "an element")
        } catch {
            // It was checked when the file was opened: somebody has written to the file since.
            return .string("\u{FFFD}")
        }
    }

    private func copy<Stored: FixedWidthInteger, Value>(_: Stored.Type, _ convert: (Stored) -> Value)
        -> [Value]
    {
        let first = file.bytes.baseAddress! + start
        return [Value](unsafeUninitializedCapacity: count) { values, initialized in
            for position in 0..<count {
                let byte = position * MemoryLayout<Stored>.size
                let stored = Stored(littleEndian: first.loadUnaligned(fromByteOffset: byte, as: Stored.self))
                values.initializeElement(at: position, to: convert(stored))
            }
            initialized = count
        }
    }
}
