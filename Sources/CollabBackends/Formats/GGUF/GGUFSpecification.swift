public import Collab

/// What a GGUF file says about its model: everything in its metadata.
public struct GGUFSpecification: ModelSpecification {
    /// The architecture, such as `llama`.
    public let architecture: String
    /// The file.
    public let file: GGUFFile

    /// The keys and values of the file.
    public var metadata: GGUFMetadata { file.metadata }

    /// Reads the architecture of a file.
    ///
    /// Throws ``Collab/CollabError`` with `malformedFile` if the file does not name one.
    public init(file: GGUFFile) throws(CollabError) {
        guard let architecture = try file.metadata.string("general.architecture") else {
            throw file.metadata.missing("general.architecture")
        }
        self.architecture = architecture
        self.file = file
    }

    /// A key of this architecture: `block_count` becomes `llama.block_count`.
    public func key(_ name: String) -> String { architecture + "." + name }
}
