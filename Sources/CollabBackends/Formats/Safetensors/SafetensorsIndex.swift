import Collab

/// `model.safetensors.index.json`: which of several files each tensor is in.
struct SafetensorsIndex {
    static let fileName = "model.safetensors.index.json"

    /// The largest index in bytes.
    private static let largest = 32 << 20

    /// The tensors' names with the names of their files, in the order of the index.
    var shards: [(tensor: String, file: String)] = []
    /// The names of the files, each once, in the order of the index.
    var files: [String] = []

    init(_ file: MappedFile) throws(CollabError) {
        let root = try JSONValue(parsing: file, policy: .file.limited(toBytes: Self.largest))
        guard let map = root["weight_map"]?.objectValue else {
            throw CollabError(.malformedFile, "\(file.path) lacks the object “weight_map”.")
        }
        var seen: Set<UTF8Key> = []
        for member in map {
            guard let name = member.value.stringValue else {
                throw CollabError(
                    .malformedFile,
                    "\(file.path) has \(member.value.kind) where the file of “\(member.key.abbreviated)” should be."
                )
            }
            shards.append((member.key, name))
            if seen.insert(UTF8Key(name)).inserted { files.append(name) }
        }
    }
}
