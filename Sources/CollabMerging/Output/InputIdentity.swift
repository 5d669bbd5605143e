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
    /// The state that the file was in when it was opened.
    ///
    /// It does not stand in the files of weights, so that copies of the same inputs give the same bytes there. Of the card
    /// it shapes the last line, by which a finished merge is known again: from that line alone the cards of copies differ.
    var stamp: FileStamp

    /// As it stands in the metadata of the result's files.
    var json: JSONValue {
        [
            "model": .string(model), "file": .string(file), "bytes": JSONValue(byteCount),
            "sha256": .string(digest.description), "hashed": isComplete ? "whole" : "header and samples",
        ]
    }

    init(of input: InputFile, hashingAll: Bool) throws(CollabError) {
        model = input.model
        file = input.file.path.split(separator: "/").last.map(String.init) ?? input.file.path
        byteCount = input.file.count
        digest = hashingAll ? try input.file.sha256() : try Self.sampled(input.file)
        isComplete = hashingAll
        stamp = input.stamp
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
