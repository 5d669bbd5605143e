public import struct Collab.CollabError

/// The keys and values at the beginning of a GGUF file, in the file's order.
public struct GGUFMetadata: Sendable {
    /// A key with its value.
    public struct Entry: Sendable {
        /// The key, such as `general.architecture`.
        public let key: String
        /// The type that the value has in the file.
        public let type: GGUFValueType
        /// The value.
        public let value: GGUFValue
        /// Where key, type and value are in the file.
        let extent: Range<Int>
    }

    /// The entries in order.
    public let entries: [Entry]
    private let index: [UTF8Key: Int]
    private let path: String

    init(entries: [Entry], index: [UTF8Key: Int], path: String) {
        self.entries = entries
        self.index = index
        self.path = path
    }

    /// The value of a key, or `nil`.
    public subscript(key: String) -> GGUFValue? {
        index[UTF8Key(key)].map { entries[$0].value }
    }

    /// The type of a key's value, or `nil`.
    public func type(of key: String) -> GGUFValueType? {
        index[UTF8Key(key)].map { entries[$0].type }
    }

    // MARK: Values of an expected kind

    /// An integer of whatever width; `nil` if there is no such key.
    ///
    /// Throws `malformedFile` if the value is no integer or does not fit `Int`.
    public func integer(_ key: String) throws(CollabError) -> Int? {
        switch self[key] {
        case nil: nil
        case .integer(let value)?: Int(value)
        default: throw mismatch(key, "an integer")
        }
    }

    /// A number of whatever type; `nil` if there is no such key.
    ///
    /// Throws `malformedFile` if the value is no number.
    public func number(_ key: String) throws(CollabError) -> Double? {
        switch self[key] {
        case nil: nil
        case .integer(let value)?: Double(value)
        case .unsigned(let value)?: Double(value)
        case .float32(let value)?: Double(value)
        case .float64(let value)?: value
        default: throw mismatch(key, "a number")
        }
    }

    /// A truth value; `nil` if there is no such key.
    ///
    /// Throws `malformedFile` if the value is none.
    public func bool(_ key: String) throws(CollabError) -> Bool? {
        switch self[key] {
        case nil: nil
        case .bool(let value)?: value
        default: throw mismatch(key, "a truth value")
        }
    }

    /// Text; `nil` if there is no such key.
    ///
    /// Throws `malformedFile` if the value is none.
    public func string(_ key: String) throws(CollabError) -> String? {
        switch self[key] {
        case nil: nil
        case .string(let value)?: value
        default: throw mismatch(key, "text")
        }
    }

    /// An array; `nil` if there is no such key.
    ///
    /// Throws `malformedFile` if the value is none.
    public func array(_ key: String) throws(CollabError) -> GGUFArray? {
        switch self[key] {
        case nil: nil
        case .array(let value)?: value
        default: throw mismatch(key, "an array")
        }
    }

    /// An array of texts; `nil` if there is no such key.
    ///
    /// Throws `malformedFile` if the value is none.
    public func strings(_ key: String) throws(CollabError) -> GGUFStringArray? {
        guard let array = try array(key) else { return nil }
        guard let strings = array.strings else { throw mismatch(key, "an array of texts") }
        return strings
    }

    /// An array of integers of whatever width; `nil` if there is no such key.
    ///
    /// Throws `malformedFile` if the value is none or an element does not fit `Int`.
    public func integers(_ key: String) throws(CollabError) -> [Int]? {
        guard let array = try array(key) else { return nil }
        guard let integers = array.integers else { throw mismatch(key, "an array of integers") }
        return integers
    }

    /// An array of 32-bit floating point numbers; `nil` if there is no such key.
    ///
    /// Throws `malformedFile` if the value is none.
    public func floats(_ key: String) throws(CollabError) -> [Float]? {
        guard let array = try array(key) else { return nil }
        guard let floats = array.floats else {
            throw mismatch(key, "an array of 32-bit floating point numbers")
        }
        return floats
    }

    /// The error for a key that a reader cannot do without.
    public func missing(_ key: String) -> CollabError {
        CollabError(.malformedFile, "\(path) lacks the key “\(key)”.")
    }

    private func mismatch(_ key: String, _ expected: String) -> CollabError {
        let type = type(of: key).map { "\($0)" } ?? "nothing"
        return CollabError(
            .malformedFile,
            "\(path): the key “\(key)” should be \(expected) and is of type \(type)."
        )
    }
}
