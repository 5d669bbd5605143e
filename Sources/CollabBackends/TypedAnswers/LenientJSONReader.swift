import Collab

/// Reads JSON as language models write it: with comments, trailing or missing commas, keys and texts in other quotes or
/// in none, Python's words, line breaks within texts, and ends that are missing.
///
/// It never reads more than it was given, nests to a limit, and repairs form alone: it invents no key and no value.
struct LenientJSONReader {
    private let bytes: ArraySlice<UInt8>
    private(set) var position: Int
    private var depth = 0
    /// Whether something was still open at the end.
    private(set) var isCutOff = false

    private static let depthLimit = 64

    /// Begins at a place in the bytes of a text.
    init(_ bytes: ArraySlice<UInt8>, at position: Int) {
        self.bytes = bytes
        self.position = position
    }

    /// The value that begins here; `nil` if none does.
    mutating func value() -> JSONValue? {
        skipBlank()
        guard let byte = peek() else { return nil }
        switch byte {
        case UInt8(ascii: "{"): return nested { $0.object() }
        case UInt8(ascii: "["): return nested { $0.array() }
        default:
            if let quote = quote() { return .string(text(until: quote)) }
            return word()
        }
    }

    private mutating func nested(_ read: (inout Self) -> JSONValue?) -> JSONValue? {
        guard depth < Self.depthLimit else { return nil }
        depth += 1
        defer { depth -= 1 }
        position += 1
        return read(&self)
    }

    private mutating func object() -> JSONValue? {
        var object = JSONObject()
        while true {
            skipBlank(and: UInt8(ascii: ","))
            guard let byte = peek() else { return cutOff(.object(object)) }
            if byte == UInt8(ascii: "}") { return close(.object(object)) }
            guard let key = key() else { return nil }
            skipBlank()
            guard peek() != nil else { return cutOff(.object(object)) }
            guard take(UInt8(ascii: ":")) else { return nil }
            skipBlank()
            guard peek() != nil else { return cutOff(.object(object)) }
            guard let value = value() else { return nil }
            object[key] = value
        }
    }

    private mutating func array() -> JSONValue? {
        var elements: [JSONValue] = []
        while true {
            skipBlank(and: UInt8(ascii: ","))
            guard let byte = peek() else { return cutOff(.array(elements)) }
            if byte == UInt8(ascii: "]") { return close(.array(elements)) }
            guard let value = value() else { return nil }
            elements.append(value)
        }
    }

    private mutating func close(_ value: JSONValue) -> JSONValue {
        position += 1
        return value
    }

    private mutating func cutOff(_ value: JSONValue) -> JSONValue {
        isCutOff = true
        return value
    }

    // MARK: Texts and words

    /// Takes an opening quote; returns the closing ones that belong to it.
    private mutating func quote() -> [[UInt8]]? {
        for (opening, closing) in [
            ("\"", ["\""]), ("'", ["'"]), ("“", ["”", "\""]), ("‘", ["’"]), ("`", ["`"]),
        ]
        where starts(with: opening) {
            position += opening.utf8.count
            return closing.map { Array($0.utf8) }
        }
        return nil
    }

    private mutating func text(until quotes: [[UInt8]]) -> String {
        var content: [UInt8] = []
        while let byte = peek() {
            if let quote = quotes.first(where: { bytes[position...].starts(with: $0) }) {
                position += quote.count
                return String(decoding: content, as: UTF8.self)
            }
            position += 1
            if byte == UInt8(ascii: "\\"), let escaped = peek() {
                position += 1
                append(escaped, to: &content)
            } else {
                content.append(byte)
            }
        }
        isCutOff = true
        return String(decoding: content, as: UTF8.self)
    }

    private mutating func append(_ escaped: UInt8, to content: inout [UInt8]) {
        switch escaped {
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "u"):
            // The strict reader knows surrogates; a broken escape stays as it was written.
            var end = min(position + 4, bytes.endIndex)
            if bytes[end...].starts(with: "\\u".utf8), bytes.endIndex - end >= 6 { end += 6 }
            for end in [end, min(position + 4, bytes.endIndex)] {
                let escape = Array("\"\\u".utf8) + bytes[position..<end] + Array("\"".utf8)
                guard let read = (try? JSONValue(parsing: escape))?.stringValue else { continue }
                content.append(contentsOf: read.utf8)
                position = end
                return
            }
            content.append(contentsOf: "\\u".utf8)
        default: content.append(escaped)
        }
    }

    /// A key in quotes, or bare letters, digits and underscores.
    private mutating func key() -> String? {
        if let quote = quote() { return text(until: quote) }
        let start = position
        while let byte = peek(), Self.isWord(byte) { position += 1 }
        return position > start ? String(decoding: bytes[start..<position], as: UTF8.self) : nil
    }

    /// A number, a truth value or null.
    private mutating func word() -> JSONValue? {
        let start = position
        while let byte = peek(), Self.isWord(byte) || "+-.".utf8.contains(byte) { position += 1 }
        var word = String(decoding: bytes[start..<position], as: UTF8.self)
        switch word {
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        case "null", "None", "nil", "undefined", "NULL": return .null
        default:
            if word.hasPrefix("+") { word.removeFirst() }
            if word.hasSuffix(".") { word.removeLast() }
            if word.hasPrefix(".") { word = "0" + word }
            if word.hasPrefix("-.") { word = "-0" + word.dropFirst() }
            guard let value = try? JSONValue(parsing: word), value.doubleValue != nil else { return nil }
            return value
        }
    }

    // MARK: Bytes

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), UInt8(ascii: "$"), 0x80...:
            true
        default: false
        }
    }

    private func peek() -> UInt8? { position < bytes.endIndex ? bytes[position] : nil }

    private func starts(with text: String) -> Bool { bytes[position...].starts(with: text.utf8) }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        position += 1
        return true
    }

    /// Skips white space, comments, and a byte that separates.
    private mutating func skipBlank(and separator: UInt8? = nil) {
        while let byte = peek() {
            if byte <= 0x20 || byte == separator {
                position += 1
            } else if starts(with: "//") || byte == UInt8(ascii: "#") {
                while let byte = peek(), byte != 0x0A { position += 1 }
            } else if starts(with: "/*") {
                position += 2
                while peek() != nil, !starts(with: "*/") { position += 1 }
                position = min(position + 2, bytes.endIndex)
            } else {
                return
            }
        }
    }
}
