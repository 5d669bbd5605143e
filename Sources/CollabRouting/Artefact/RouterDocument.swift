import Collab
import CollabBackends

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// What all routers' descriptions have in common: `router.json` in a folder, with format, version, features and facts.

/// Makes a folder, if it is not there.
func makeFolder(_ folder: String) throws(CollabError) {
    guard mkdir(folder, 0o755) == 0 || errno == EEXIST else {
        throw CollabError(.inputOutput, "\(folder) could not be created.")
    }
}

extension JSONValue {
    /// Reads a router's description of the version that is known here.
    init(routerAt path: String) throws(CollabError) {
        try self.init(parsing: try MappedFile(path: path))
        guard self["format"]?.stringValue == "collab-router" else {
            throw CollabError(.malformedFile, "\(path) is not the description of a router.")
        }
        guard self["version"]?.intValue == 1 else {
            throw CollabError(.unsupported, "\(path) is of a version that is not known here.")
        }
    }

    /// Writes the description; a file that was there is replaced as a whole.
    func write(to path: String) throws(CollabError) {
        let file = try AtomicFile(path: path)
        try encoded(.pretty).withUnsafeBufferPointer { (bytes) throws(CollabError) in
            try file.write(UnsafeRawBufferPointer(bytes), at: 0)
        }
        try file.finish()
    }

    /// Facts by name.
    init(facts: [String: String]) {
        var notes = JSONObject()
        for (name, value) in facts.sorted(by: { $0.key < $1.key }) { notes[name] = .init(value) }
        self = .object(notes)
    }

    /// The facts of a description.
    var facts: [String: String] {
        var facts: [String: String] = [:]
        for member in self["facts"]?.objectValue ?? [:] { facts[member.key] = member.value.stringValue }
        return facts
    }

    /// Checks that an embedding model is the one that described features need.
    func embeddingModel(_ model: (any EmbeddingModel)?, _ path: String) throws(CollabError)
        -> any EmbeddingModel
    {
        guard let model else {
            let name = self["name"]?.stringValue ?? "?"
            throw CollabError(
                .invalidRequest,
                "\(path) learned from the vectors of \(name); give it that model."
            )
        }
        guard model.dimension == self["dimension"]?.intValue else {
            throw CollabError(
                .invalidRequest,
                "\(path) learned from vectors of another length than the \(model.dimension) of \(model.name)."
            )
        }
        return model
    }
}

extension EmbeddingModel {
    /// Writes what whoever loads a router has to bring.
    func describe(in object: inout JSONObject) {
        object["kind"] = "embedding"
        object["name"] = .init(name)
        object["dimension"] = .init(dimension)
    }
}

extension NGramFeatures {
    /// Writes how n-grams are made.
    func describe(in object: inout JSONObject) {
        object["kind"] = "ngrams"
        object["words"] = [.init(words.lowerBound), .init(words.upperBound)]
        object["characters"] = characters.map { [.init($0.lowerBound), .init($0.upperBound)] } ?? .null
        object["buckets"] = .init(Int(buckets))
    }

    /// Reads how n-grams are made; `nil` if that cannot be.
    init?(described: JSONValue) {
        func range(_ name: String) -> ClosedRange<Int>? {
            guard let low = described[name]?[0]?.intValue, let high = described[name]?[1]?.intValue,
                1...64 ~= low, low...64 ~= high
            else { return nil }
            return low...high
        }
        guard let words = range("words"), let buckets = described["buckets"]?.intValue,
            1...(1 << 24) ~= buckets
        else { return nil }
        self.init(words: words, characters: range("characters"), buckets: UInt32(buckets))
    }
}
