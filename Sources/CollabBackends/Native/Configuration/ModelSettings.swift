import Collab

/// A model's settings by key, wherever they are written.
protocol ModelSettings {
    /// The file, for errors.
    var source: String { get }
    /// A key as it is written in the file.
    func name(of key: String) -> String
    /// A whole number, or `nil` where the key is missing.
    func integer(_ key: String) throws(CollabError) -> Int?
    /// A number, or `nil` where the key is missing.
    func number(_ key: String) throws(CollabError) -> Double?
    /// A text, or `nil` where the key is missing.
    func text(_ key: String) throws(CollabError) -> String?
}

// Refuses what no model can have.
extension ModelSettings {
    /// A size between 1 and `TransformerSizes.largest`; without `fallback` the key must be there.
    func size(_ key: String, or fallback: Int? = nil) throws(CollabError) -> Int {
        guard let value = try integer(key) ?? fallback else { throw missing(key) }
        guard (1...TransformerSizes.largest).contains(value) else {
            throw malformed(key, "\(value), but must be between 1 and \(TransformerSizes.largest)")
        }
        return value
    }

    /// A size, or `nil` where the key is missing or 0.
    func optionalSize(_ key: String) throws(CollabError) -> Int? {
        guard let value = try integer(key), value != 0 else { return nil }
        return try size(key)
    }

    /// A finite number above 0; without `fallback` the key must be there.
    func positive(_ key: String, or fallback: Double? = nil) throws(CollabError) -> Double {
        guard let value = try number(key) ?? fallback else { throw missing(key) }
        guard value > 0, value.isFinite else {
            throw malformed(key, "\(value), but must be finite and above 0")
        }
        return value
    }

    /// A finite number above 0, or `nil` where the key is missing or 0.
    func optionalPositive(_ key: String) throws(CollabError) -> Double? {
        guard let value = try number(key), value != 0 else { return nil }
        return try positive(key)
    }

    /// A context length: above 0; longer ones than are believed are cut.
    func contextLength(_ key: String) throws(CollabError) -> Int {
        guard let value = try integer(key) else { throw missing(key) }
        guard value > 0 else { throw malformed(key, "\(value), but must be above 0") }
        return min(value, TransformerSizes.largest)
    }

    /// The width of a head where the file does not give it.
    func dividedWidth(_ embedding: Int, among heads: Int, _ key: String) throws(CollabError) -> Int {
        guard embedding % heads == 0 else {
            throw malformed(key, "\(heads), which does not divide the embedding length \(embedding)")
        }
        return embedding / heads
    }

    /// The error for a key that has to be there.
    func missing(_ key: String) -> CollabError {
        CollabError(.malformedFile, "\(source) lacks the key “\(name(of: key))”.")
    }

    /// The error for a key whose value makes no sense.
    func malformed(_ key: String, _ complaint: String) -> CollabError {
        CollabError(.malformedFile, "\(source): the key “\(name(of: key))” is \(complaint).")
    }

    /// The error for a key whose value asks for what the engine does not do.
    func unsupported(_ key: String, _ value: String, known: [String]) -> CollabError {
        CollabError(
            .unsupported,
            "\(source): the key “\(name(of: key))” is “\(value)”; known here: \(known.joined(separator: ", "))."
        )
    }
}

/// The settings in a GGUF file, whose keys begin with the architecture's name.
struct GGUFSettings: ModelSettings {
    let metadata: GGUFMetadata
    let architecture: String
    let source: String

    func name(of key: String) -> String { "\(architecture).\(key)" }
    func integer(_ key: String) throws(CollabError) -> Int? { try metadata.integer(name(of: key)) }
    func number(_ key: String) throws(CollabError) -> Double? { try metadata.number(name(of: key)) }
    func text(_ key: String) throws(CollabError) -> String? { try metadata.string(name(of: key)) }
}

/// The settings in a `config.json`, or in an object inside it.
struct JSONSettings: ModelSettings {
    let object: JSONValue
    let source: String
    /// The keys that lead to the object.
    var path: [String] = []

    func name(of key: String) -> String { (path + [key]).joined(separator: ".") }

    /// Whether a key is there with no value, which is not the same as a missing key: it switches a default off.
    func isNull(_ key: String) -> Bool { object[key]?.isNull == true }

    /// The value of a key; `nil` where it is missing or null.
    func value(_ key: String) -> JSONValue? {
        guard let value = object[key], !value.isNull else { return .none }
        return value
    }

    func integer(_ key: String) throws(CollabError) -> Int? {
        guard let value = value(key) else { return nil }
        guard let integer = value.intValue else {
            throw malformed(key, "\(value.kind), but must be a whole number")
        }
        return integer
    }

    func number(_ key: String) throws(CollabError) -> Double? {
        guard let value = value(key) else { return nil }
        guard let number = value.doubleValue else {
            throw malformed(key, "\(value.kind), but must be a number")
        }
        return number
    }

    func text(_ key: String) throws(CollabError) -> String? {
        guard let value = value(key) else { return nil }
        guard let text = value.stringValue else { throw malformed(key, "\(value.kind), but must be text") }
        return text
    }

    /// A truth value, or `fallback` where the key is missing.
    func flag(_ key: String, or fallback: Bool) throws(CollabError) -> Bool {
        guard let value = value(key) else { return fallback }
        guard let flag = value.boolValue else {
            throw malformed(key, "\(value.kind), but must be a truth value")
        }
        return flag
    }

    /// A list of a given length, or `nil` where the key is missing.
    func list(_ key: String, count: Int) throws(CollabError) -> [JSONValue]? {
        guard let value = value(key) else { return nil }
        guard let list = value.arrayValue, list.count == count else {
            throw malformed(
                key,
                "\(value.arrayValue.map { "a list of \($0.count)" } ?? value.kind), but must list \(count)"
            )
        }
        return list
    }

    /// The settings in an object inside this one; empty where the key is missing.
    func nested(_ key: String) throws(CollabError) -> JSONSettings {
        let value = value(key) ?? [:]
        guard value.objectValue != nil else { throw malformed(key, "\(value.kind), but must be an object") }
        return JSONSettings(object: value, source: source, path: path + [key])
    }
}
