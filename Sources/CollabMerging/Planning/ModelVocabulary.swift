import Collab
import CollabBackends

/// The tokens of a model, as its `tokenizer.json` lists them.
struct ModelVocabulary: Sendable {
    /// A token that was added to the tokenizer's own.
    struct Added: Sendable {
        var text: String
        var identifier: Int
        /// The entry in the file.
        var entry: JSONObject
    }

    /// Whose vocabulary it is.
    let model: String
    /// The file's contents.
    let file: JSONValue
    /// The tokenizer's own tokens, by rising number.
    let plain: [(text: String, identifier: Int)]
    /// Those that were added, by rising number.
    let added: [Added]
    /// All tokens' numbers.
    let identifiers: [String: Int]

    /// Reads the vocabulary in a model's folder.
    ///
    /// - Parameter file: what the model's `tokenizer.json` says if it is none in its folder.
    init(of checkpoint: any Checkpoint, file known: JSONValue? = nil) throws(CollabError) {
        let file: JSONValue
        if let known { file = known } else { file = try Self.file(of: checkpoint) }
        let source = "\(checkpoint.name)/tokenizer.json"
        var plain: [(text: String, identifier: Int)] = []
        if let table = file["model"]?["vocab"]?.objectValue {
            for member in table {
                guard let number = member.value.intValue, number >= 0 else {
                    throw CollabError(.malformedFile, "\(source): the token “\(member.key)” has no number.")
                }
                plain.append((member.key, number))
            }
        } else if let list = file["model"]?["vocab"]?.arrayValue {
            for (number, entry) in list.enumerated() {
                guard let text = entry[0]?.stringValue else {
                    throw CollabError(.malformedFile, "\(source): the token \(number) has no text.")
                }
                plain.append((text, number))
            }
        } else {
            throw CollabError(.malformedFile, "\(source) has no vocabulary.")
        }
        var added: [Added] = []
        for entry in file["added_tokens"]?.arrayValue ?? [] {
            guard let object = entry.objectValue, let text = object["content"]?.stringValue,
                let number = object["id"]?.intValue, number >= 0
            else { throw CollabError(.malformedFile, "\(source): an added token has no text or number.") }
            added.append(Added(text: text, identifier: number, entry: object))
        }
        self.model = checkpoint.name
        self.file = file
        self.added = added.sorted { $0.identifier < $1.identifier }
        let own = Set(added.map(\.text))
        self.plain = plain.filter { !own.contains($0.text) }.sorted { $0.identifier < $1.identifier }
        var identifiers = Dictionary(plain.map { ($0.text, $0.identifier) }) { first, _ in first }
        for token in added { identifiers[token.text] = token.identifier }
        self.identifiers = identifiers
    }

    private static func file(of checkpoint: any Checkpoint) throws(CollabError) -> JSONValue {
        guard let folder = (checkpoint.specification as? HuggingFaceSpecification)?.folder,
            folder.contains("tokenizer.json")
        else {
            throw CollabError(
                .fileNotFound,
                "\(checkpoint.name) has no tokenizer.json, which the configuration's tokenizer setting needs."
            )
        }
        return try JSONValue(parsing: try folder.map("tokenizer.json"))
    }
}
