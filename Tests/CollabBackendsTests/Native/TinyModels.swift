import Collab
import Foundation
import Testing

@testable import CollabBackends

/// Tiny checkpoints with random weights, one an architecture, and what transformers makes of them in float32.
///
/// `Scripts/fixtures/make_tiny_models.py` makes them and says what is special in each.
enum TinyModels {
    /// Checkpoints in Hugging Face's layout.
    static let folders = [
        "llama", "llama-bias", "mistral", "qwen2", "qwen3", "gemma2", "gemma3", "smollm3", "phi3",
    ]
    /// Settings for the weights of another folder.
    static let variants = ["llama-linear", "llama-yarn", "mistral-unlimited", "qwen2-unlimited"]
    /// Files in GGUF; llama.cpp gives the same logits, as the script checks.
    static let files = ["llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3", "smollm3", "phi3"]

    /// Exact arithmetic on one thread.
    static let options = NativeOptions(threads: 1, precision: .float)

    struct Sequences: Decodable {
        /// Longer than every window.
        var long: [TokenID]
        /// Shorter than the first context of stretched rotations.
        var short: [TokenID]
    }

    static func sequences() throws -> Sequences {
        try JSONDecoder().decode(
            Sequences.self,
            from: Data(contentsOf: fixture("models/sequences.json"))
        )
    }

    static func path(_ name: String) -> String { fixture("models/\(name)").path }

    /// The logits after each position of a sequence, `long` or `short`.
    static func expected(_ name: String, _ sequence: String, inGGUF: Bool = false) throws -> [[Float]] {
        let file = inGGUF ? "models/gguf/\(name).safetensors" : "models/\(name)/expected.safetensors"
        let checkpoint = try SafetensorsCheckpoint(path: fixture(file).path)
        let shape = try #require(checkpoint.description(of: sequence)).shape
        let values = try checkpoint.values(of: sequence)
        return (0..<shape[0]).map { Array(values[$0 * shape[1]..<($0 + 1) * shape[1]]) }
    }

    /// The checkpoint of a folder, or of a variant with the weights of the folder that its name begins with.
    static func checkpoint(_ name: String) throws -> EditedCheckpoint {
        let weights =
            variants.contains(name) ? String(name.prefix { $0 != "-" }) : name
        let folder = try ModelFolder(path: path(name))
        return EditedCheckpoint(
            base: try SafetensorsCheckpoint(path: path(weights)),
            specification: try HuggingFaceSpecification(folder: folder)
        )
    }

    static func model(
        _ checkpoint: some Checkpoint,
        options: NativeOptions = options
    ) async throws -> NativeModel {
        let configuration = try TransformerConfiguration(
            describing: checkpoint,
            contextLength: options.contextLength
        )
        return try await NativeModel(
            checkpoint: checkpoint,
            name: checkpoint.name,
            configuration: configuration,
            text: ModelText(
                vocabulary: NumberedTokens(count: configuration.vocabularySize),
                dialogue: nil
            ),
            options: options
        )
    }
}

/// A checkpoint whose settings and tensors a test changes.
struct EditedCheckpoint: Checkpoint {
    var base: any Checkpoint
    var specification: any ModelSpecification
    /// Whether the tensors have no bytes that could be lent, like a merge's.
    var isComputed = false
    /// Tensors that are not there.
    var removed: Set<String> = []
    /// Tensors that are there besides, of zeros, or in the place of others of their names.
    var added: [TensorDescription] = []

    var name: String { base.name }

    var tensors: [TensorDescription] {
        let names = removed.union(added.map(\.name))
        return base.tensors.filter { !names.contains($0.name) } + added
    }

    func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        if added.contains(where: { $0.name == tensor }) { return buffer.update(repeating: 0) }
        try base.read(tensor, elements: elements, into: buffer)
    }

    func storage(of tensor: String) -> TensorStorage? {
        isComputed || added.contains { $0.name == tensor } ? nil : base.storage(of: tensor)
    }

    /// The same with some keys of its `config.json` set, or removed where the value is `nil`.
    func setting(_ changes: [String: JSONValue?]) throws -> EditedCheckpoint {
        let written = try #require(specification as? HuggingFaceSpecification)
        var object = try #require(written.configuration.objectValue)
        for (key, value) in changes { object[key] = value }
        var checkpoint = self
        checkpoint.specification = HuggingFaceSpecification(
            configuration: .object(object),
            folder: written.folder
        )
        return checkpoint
    }
}

/// A vocabulary whose tokens have no text: models of random weights have nothing to say.
struct NumberedTokens: ModelTokenizer {
    var count: Int
    /// From here on they are control tokens.
    var firstControl = TokenID.max
    var endTokens: Set<TokenID> { firstControl < count ? [firstControl] : [] }
    var markers: SequenceMarkers { SequenceMarkers() }
    var fingerprint: VocabularyFingerprint { VocabularyFingerprint(count: count, hash: 0) }

    func encode(_ text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] { [] }
    func bytes(of token: TokenID) -> [UInt8] { [] }
    func isControl(_ token: TokenID) -> Bool { token >= firstControl }
    func specialToken(named name: String) -> TokenID? { nil }
    func spelling(of token: TokenID) -> [UInt8] { [] }
}
