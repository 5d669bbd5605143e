import Collab
import CollabBackends

/// What a file of an input was, so that a result can say what it was made of.
struct InputIdentity: Hashable, Sendable {
    /// The model as the configuration names it.
    var model: String
    /// The file's name.
    var file: String
    var byteCount: Int
    /// A SHA-256: of the whole file, or of its length, its first MiB and 255 samples of 4 KiB spread over the rest.
    var digest: SHA256Digest
    var isComplete: Bool

    /// The files of a model.
    static func identities(of checkpoint: any Checkpoint, hashingAll: Bool) throws(CollabError)
        -> [InputIdentity]
    {
        if let aligned = checkpoint as? RealignedCheckpoint {
            return try identities(of: aligned.source, hashingAll: hashingAll)
        }
        let files: [MappedFile] =
            if let stored = checkpoint as? SafetensorsCheckpoint {
                stored.files.map(\.file)
            } else if let stored = (checkpoint as? RenamedCheckpoint)?.source as? GGUFCheckpoint {
                [stored.file.file]
            } else {
                []
            }
        var identities: [InputIdentity] = []
        for file in files {
            identities.append(
                InputIdentity(
                    model: checkpoint.name,
                    file: file.path.split(separator: "/").last.map(String.init) ?? file.path,
                    byteCount: file.count,
                    digest: hashingAll ? try file.sha256() : try sampled(file),
                    isComplete: hashingAll
                )
            )
        }
        return identities
    }

    private static func sampled(_ file: MappedFile) throws(CollabError) -> SHA256Digest {
        var hash = SHA256()
        withUnsafeBytes(of: UInt64(file.count).littleEndian) { hash.update($0) }
        let head = min(1 << 20, file.count)
        hash.update(UnsafeRawBufferPointer(rebasing: file.bytes[..<head]))
        let rest = file.count - head
        for sample in 0..<255 where rest > 0 {
            let start = head + rest / 255 * sample
            hash.update(UnsafeRawBufferPointer(rebasing: file.bytes[start..<min(start + 4096, file.count)]))
        }
        try file.checkUnchanged()
        return hash.digest()
    }
}
