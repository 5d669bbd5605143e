import Collab

/// Reads an architecture's sizes from a model file and refuses what no model can have.
struct MetadataReader {
    let metadata: GGUFMetadata
    /// The architecture's name, which its keys begin with.
    let architecture: String
    /// The file, for errors.
    let source: String

    /// The largest size that is believed: far above any real model, far below any overflow.
    static let largestSize = 1 << 24

    /// A size between 1 and `largestSize`; without `fallback` the key must be there.
    func size(_ key: String, or fallback: Int? = nil) throws(CollabError) -> Int {
        let name = "\(architecture).\(key)"
        guard let value = try metadata.integer(name) ?? fallback else { throw metadata.missing(name) }
        guard (1...Self.largestSize).contains(value) else {
            throw malformed(name, "\(value), but must be between 1 and \(Self.largestSize)")
        }
        return value
    }

    /// A finite number above 0; without `fallback` the key must be there.
    func positive(_ key: String, or fallback: Double? = nil) throws(CollabError) -> Double {
        let name = "\(architecture).\(key)"
        guard let value = try metadata.number(name) ?? fallback else { throw metadata.missing(name) }
        guard value > 0, value.isFinite else {
            throw malformed(name, "\(value), but must be finite and above 0")
        }
        return value
    }

    /// A finite number above 0, or `nil` where the key is missing or 0.
    func optionalPositive(_ key: String) throws(CollabError) -> Double? {
        guard let value = try metadata.number("\(architecture).\(key)"), value != 0 else { return nil }
        return try positive(key)
    }

    /// A text, or `nil`.
    func text(_ key: String) throws(CollabError) -> String? {
        try metadata.string("\(architecture).\(key)")
    }

    /// The error for a key whose value makes no sense.
    func malformed(_ name: String, _ complaint: String) -> CollabError {
        CollabError(.malformedFile, "\(source): the key “\(name)” is \(complaint).")
    }
}
