import Collab
import CollabBackends

/// An open model file of one of the formats that are read.
enum ModelFile {
    case gguf(GGUFFile)
    case safetensors(SafetensorsCheckpoint)

    /// Opens a file by what it begins with, or by its name if that tells nothing.
    init(path: String) throws(CollabError) {
        guard !path.hasSuffix(".safetensors"), let file = try Self.map(path) else {
            self = .safetensors(try SafetensorsCheckpoint(path: path))
            return
        }
        guard file.bytes.starts(with: Array("GGUF".utf8)) || path.hasSuffix(".gguf") else {
            throw CollabError(
                .malformedFile,
                "\(path) is neither a GGUF file (it would begin with “GGUF”) nor a safetensors file (its name would "
                    + "end with .safetensors)."
            )
        }
        self = .gguf(try GGUFFile(file))
    }

    /// Maps a file; `nil` for a folder.
    private static func map(_ path: String) throws(CollabError) -> MappedFile? {
        if (try? ModelFolder(path: path)) != nil { return nil }
        return try MappedFile(path: path)
    }
}
