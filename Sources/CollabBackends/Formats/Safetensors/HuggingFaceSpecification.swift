public import Collab

/// What a folder in Hugging Face's layout says about its model: `config.json`, and the folder for whoever needs
/// more of it, such as the tokenizer.
public struct HuggingFaceSpecification: ModelSpecification {
    /// The architecture as `model_type` has it, such as `llama`; `unknown` if nothing says so.
    public let architecture: String
    /// The contents of `config.json`; an empty object if there is none.
    public let configuration: JSONValue
    /// The folder; `nil` for a file on its own.
    public let folder: ModelFolder?

    /// Makes a specification from parts.
    public init(configuration: JSONValue, folder: ModelFolder?) {
        self.configuration = configuration
        self.folder = folder
        architecture =
            configuration["model_type"]?.stringValue
            ?? configuration["architectures"]?[0]?.stringValue ?? "unknown"
    }

    /// Reads `config.json` if the folder has one.
    ///
    /// Throws ``Collab/CollabError`` with `malformedFile` if it is not a JSON object.
    public init(folder: ModelFolder) throws(CollabError) {
        var configuration: JSONValue = [:]
        if folder.contains("config.json") {
            let file = try folder.map("config.json")
            configuration = try JSONValue(parsing: file)
            guard configuration.objectValue != nil else {
                throw CollabError(
                    .malformedFile,
                    "\(file.path) should hold an object and holds \(configuration.kind)."
                )
            }
        }
        self.init(configuration: configuration, folder: folder)
    }
}
