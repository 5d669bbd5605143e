import Collab

/// Reads the parts of a GGUF file in order. No length or count from the file is believed before it was compared
/// with what is left.
struct GGUFCursor {
    let file: MappedFile
    /// Where the next byte is read.
    var position: Int

    private let start: UnsafeRawPointer
    private let count: Int

    init(file: MappedFile, position: Int = 0) {
        self.file = file
        self.position = position
        start = file.bytes.baseAddress!
        count = file.count
    }

    /// How many bytes are left.
    var left: Int { count - position }

    /// The error for a byte, by default the next one.
    func error(_ what: String, at offset: Int? = nil) -> CollabError {
        .malformed(file, at: offset ?? position, what)
    }

    mutating func read<Value: FixedWidthInteger>(
        _ type: Value.Type,
        _ what: @autoclosure () -> String
    ) throws(CollabError) -> Value {
        let size = MemoryLayout<Value>.size
        guard left >= size else { throw error("the file ends before \(what())") }
        defer { position += size }
        return Value(littleEndian: start.loadUnaligned(fromByteOffset: position, as: Value.self))
    }

    /// Reads a length and as many bytes.
    mutating func readBytes(
        limit: Int,
        _ what: @autoclosure () -> String
    ) throws(CollabError) -> UnsafeRawBufferPointer {
        let offset = position
        let length = try read(UInt64.self, "the length of \(what())")
        guard length <= UInt64(min(limit, left)) else {
            throw error(
                length > UInt64(limit)
                    ? "\(what()) claims to have \(length) bytes; at most \(limit) are allowed"
                    : "\(what()) claims to have \(length) bytes where \(left) are left",
                at: offset
            )
        }
        defer { position += Int(length) }
        return UnsafeRawBufferPointer(start: start + position, count: Int(length))
    }

    /// Reads a key or a tensor's name: not empty, UTF-8.
    mutating func readName(limit: Int, _ what: @autoclosure () -> String) throws(CollabError) -> String {
        let offset = position
        let bytes = try readBytes(limit: limit, what())
        guard !bytes.isEmpty else { throw error("\(what()) is empty", at: offset) }
        guard let name = String(validating: bytes, as: UTF8.self) else {
            throw error("\(what()) is not UTF-8", at: offset)
        }
        return name
    }

    /// Skips texts and notes where each begins; the last entry is where one more would begin.
    mutating func skipStrings(count: Int, _ what: @autoclosure () -> String) throws(CollabError) -> [Int] {
        var place = position
        var failedAt: Int?
        let offsets = [Int](unsafeUninitializedCapacity: count + 1) { offsets, initialized in
            for index in 0..<count {
                guard self.count - place >= 8 else { return failedAt = index }
                let length = UInt64(littleEndian: start.loadUnaligned(fromByteOffset: place, as: UInt64.self))
                place += 8
                guard length <= UInt64(self.count - place), length <= UInt64(Self.longestString) else {
                    place -= 8
                    return failedAt = index
                }
                offsets.initializeElement(at: index, to: place)
                place += Int(length)
            }
            offsets.initializeElement(at: count, to: place + 8)
            initialized = count + 1
        }
        if let failedAt {
            throw error("text \(failedAt) of \(what()) is longer than the file", at: place)
        }
        position = place
        return offsets
    }

    /// Skips truth values; each must be 0 or 1.
    mutating func skipBools(count: Int, _ what: @autoclosure () -> String) throws(CollabError) {
        let bytes = UnsafeRawBufferPointer(start: start + position, count: count)
        if let wrong = bytes.firstIndex(where: { $0 > 1 }) {
            throw error("\(what()) has a truth value of \(bytes[wrong])", at: position + wrong)
        }
        position += count
    }

    /// The longest text of a file.
    static let longestString = 1 << 30
}

extension CollabError {
    /// The error for a file that is not what it claims to be.
    static func malformed(_ file: MappedFile, at offset: Int, _ what: String) -> CollabError {
        CollabError(.malformedFile, "\(file.path) is malformed at byte \(offset): \(what).")
    }
}
