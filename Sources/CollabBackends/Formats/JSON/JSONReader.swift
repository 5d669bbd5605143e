import Collab

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads JSON piece by piece from memory, without building a tree.
///
/// The caller says what it expects next; anything else is an error that names the byte. Whoever needs a tree asks
/// for ``readValue()``. The bytes must stay valid as long as the reader is used.
struct JSONReader {
    let start: UnsafePointer<UInt8>
    let count: Int
    let policy: JSONPolicy
    /// Where the next byte is read.
    var position = 0
    /// What is read, for messages.
    private let subject: String
    /// Where in its file the text begins, for messages.
    private let offset: Int
    /// Where the last key began.
    private(set) var keyPosition = 0
    /// How many arrays and objects are open.
    private var depth = 0
    /// How many values have been read into trees.
    private var valueCount = 0

    /// Starts at the first byte; throws if there are more bytes than the policy allows.
    init(
        _ bytes: UnsafeRawBufferPointer,
        policy: JSONPolicy,
        subject: String = "The JSON text",
        offset: Int = 0
    ) throws(CollabError) {
        self.subject = subject
        self.offset = offset
        start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress ?? Self.nothing
        count = bytes.count
        self.policy = policy
        if count > policy.sizeLimit {
            throw CollabError(
                policy.errorCode,
                "\(subject) has \(count) bytes; at most \(policy.sizeLimit) are read."
            )
        }
        if policy.skipsByteOrderMark, count >= 3, start[0] == 0xEF, start[1] == 0xBB, start[2] == 0xBF {
            position = 3
        }
    }

    /// Stands for the address that an empty buffer lacks; never read.
    private nonisolated(unsafe) static let nothing: UnsafePointer<UInt8> = {
        let byte = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)
        byte.initialize(to: 0)
        return UnsafePointer(byte)
    }()

    /// The error for malformed text at a byte, by default the next one.
    func error(_ what: String, at position: Int? = nil) -> CollabError {
        let place = offset + (position ?? self.position)
        return CollabError(policy.errorCode, "\(subject) is malformed at byte \(place): \(what).")
    }

    /// The next byte that is no white space, not consumed; `nil` at the end.
    mutating func peek() -> UInt8? {
        while position < count {
            switch start[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            case let byte: return byte
            }
        }
        return nil
    }

    /// Consumes white space and then exactly this byte.
    mutating func expect(_ byte: UInt8, _ what: String) throws(CollabError) {
        guard peek() == byte else { throw error("\(what) expected, \(found()) found") }
        position += 1
    }

    /// Throws unless only white space is left.
    mutating func finish() throws(CollabError) {
        if peek() != nil { throw error("end of text expected, \(found()) found") }
    }

    // MARK: Objects and arrays

    /// Consumes `{`. Follow with ``nextKey(isFirst:)`` until it returns `nil`.
    mutating func beginObject() throws(CollabError) {
        try expect(UInt8(ascii: "{"), "an object")
        try descend()
    }

    /// The next key with its colon, or `nil` and the closing brace.
    mutating func nextKey(isFirst: Bool) throws(CollabError) -> String? {
        let byte = peek()
        if byte == UInt8(ascii: "}") {
            position += 1
            depth -= 1
            return nil
        }
        if !isFirst {
            guard byte == UInt8(ascii: ",") else { throw error("“,” or “}” expected, \(found()) found") }
            position += 1
        }
        guard peek() == UInt8(ascii: "\"") else { throw error("a key in quotes expected, \(found()) found") }
        keyPosition = position
        let key = try readString()
        try expect(UInt8(ascii: ":"), "“:” after the key")
        return key
    }

    /// Consumes `[`. Follow with ``nextElement(isFirst:)`` until it returns `false`.
    mutating func beginArray() throws(CollabError) {
        try expect(UInt8(ascii: "["), "an array")
        try descend()
    }

    /// Whether an element follows; if not, the closing bracket is consumed.
    mutating func nextElement(isFirst: Bool) throws(CollabError) -> Bool {
        let byte = peek()
        if isFirst {
            guard byte == UInt8(ascii: "]") else { return true }
        } else if byte == UInt8(ascii: ",") {
            position += 1
            // A comma promises a value: `[1,]` must not pass for `[1]`.
            if peek() == UInt8(ascii: "]") { throw error("a value expected after “,”, “]” found") }
            return true
        } else if byte != UInt8(ascii: "]") {
            throw error("“,” or “]” expected, \(found()) found")
        }
        position += 1
        depth -= 1
        return false
    }

    private mutating func descend() throws(CollabError) {
        depth += 1
        if depth > policy.depthLimit {
            throw error("arrays and objects nest more than \(policy.depthLimit) deep", at: position - 1)
        }
    }

    // MARK: Values

    /// Any value as a tree.
    mutating func readValue() throws(CollabError) -> JSONValue {
        guard let byte = peek() else { throw error("a value expected, the end found") }
        valueCount += 1
        if valueCount > policy.valueLimit { throw error("more than \(policy.valueLimit) values") }
        switch byte {
        case UInt8(ascii: "\""): return .string(try readString())
        case UInt8(ascii: "{"): return .object(try readObject())
        case UInt8(ascii: "["): return .array(try readArray())
        case UInt8(ascii: "t"):
            try readWord("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try readWord("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try readWord("null")
            return .null
        default: return try readNumber()
        }
    }

    private mutating func readArray() throws(CollabError) -> [JSONValue] {
        try beginArray()
        var elements: [JSONValue] = []
        while try nextElement(isFirst: elements.isEmpty) { elements.append(try readValue()) }
        return elements
    }

    private mutating func readObject() throws(CollabError) -> JSONObject {
        try beginObject()
        var object = JSONObject()
        var isFirst = true
        while true {
            guard let key = try nextKey(isFirst: isFirst) else { return object }
            isFirst = false
            let offset = keyPosition
            let isNew = object.append(key, try readValue())
            if !isNew, policy.duplicateKeys == .reject {
                throw error("the object has the key “\(key.abbreviated)” twice", at: offset)
            }
        }
    }

    /// Consumes a literal word such as `true`.
    mutating func readWord(_ word: StaticString) throws(CollabError) {
        let length = word.utf8CodeUnitCount
        guard count - position >= length,
            memcmp(start + position, word.utf8Start, length) == 0
        else { throw error("a value expected, \(found()) found") }
        position += length
    }

    /// What is at the position, for messages.
    private func found() -> String {
        guard position < count else { return "the end" }
        let byte = start[position]
        return byte > 0x20 && byte < 0x7F
            ? "“\(Character(Unicode.Scalar(byte)))”" : "byte \(hexadecimal(byte))"
    }
}

/// A byte such as `0x0A`.
func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return "0x" + (digits.count < 2 ? "0" : "") + digits
}
