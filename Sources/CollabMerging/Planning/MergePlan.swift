public import Collab
import CollabBackends

/// A merge that has been checked and can be run: every tensor of the result and what it is made of.
///
/// Making a plan opens the models and reads their headers, and of weights nothing. What can be known to go wrong is known then:
/// tensors that are missing or of other shapes, layers that are not there, parameters that are missing or make no
/// sense for any tensor.
public struct MergePlan: Sendable {
    /// What the configuration says.
    public let document: MergeDocument
    /// The result, computed while it is read.
    public internal(set) var result: any Checkpoint
    /// The tensors of the result in the format in which they are to be stored.
    public internal(set) var tensors: [TensorDescription]
    /// What the result has beside weights, in the order of the names; no GGUF file has any.
    let buffers: [StoredBuffer]
    /// The most memory that computing each of the tensors takes beside blocks of the inputs, where that is much.
    var workingByteCounts: [String: Int]
    /// The most disk space that computing each of the tensors takes for scratch files, where it takes any.
    var scratchByteCounts: [String: Int]
    /// In which kind of file the result is to be stored; see ``stored(as:)``.
    public internal(set) var format = MergeFormat.safetensors
    /// The models that take part, in the order in which the configuration names them.
    public let inputs: [any Checkpoint]
    /// Whether a weight or result that is NaN or infinite is an error.
    let requiresFinite: Bool
    /// The files that all of it is read from: of models, with their configuration and tokenizer as far as the result
    /// depends on them, of adapters and statistics, and of the documents that are used.
    var files: [InputFile]
    /// Whose configuration and tokenizer the result gets.
    public let donor: any Checkpoint
    /// For every layer of the result, which layer of its slice's first source it was. Of several modules those of the
    /// language model count.
    public var layerOrigins: [Int] { modules[ModuleLayers.main(of: modules)].origins }
    /// Where the layers of each of the document's modules come from.
    let modules: [ModuleLayers]
    /// Whose tokenizer the result gets.
    public let tokenizerDonor: any Checkpoint
    /// The vocabulary, where the configuration asks for one.
    let vocabulary: MergedVocabulary?
    /// What the result's `tokenizer.json` says, where the vocabulary is put together: for this document or for one that it
    /// uses.
    let tokenizerFile: JSONValue?
    /// The chat template that the configuration asks for, or that of a document that is used; `nil` leaves the tokenizer's
    /// own.
    public let chatTemplate: String?
    /// What the user should know and need not act upon, of the documents that are used as well.
    public internal(set) var warnings: [String]
    /// The seed of random methods.
    public let seed: UInt64

    /// How many layers the result has.
    public var layerCount: Int { layerOrigins.count }
    /// How many bytes the result's tensors have.
    public var byteCount: Int { tensors.reduce(0) { $0 + $1.storedByteCount } }
    /// How many bytes are read at least once.
    public var inputByteCount: Int {
        inputs.reduce(0) { $0 + $1.tensors.reduce(0) { $0 + $1.storedByteCount } }
    }

    /// Checks a configuration against its models.
    ///
    /// - Parameters:
    ///   - document: the configuration.
    ///   - seed: where the random numbers of DARE and DELLA begin.
    ///   - named: checkpoints that the configuration may name beside files: the results of other documents.
    ///   - folder: what paths are relative to; `nil` for the current folder.
    ///   - requiresFinite: whether a weight or result that is NaN or infinite is an error.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound`, `malformedFile` or `unsupported` for a model,
    /// `tensorMismatch` for models that do not fit together, and `invalidRequest` for parameters.
    public init(
        _ document: MergeDocument,
        seed: UInt64 = 0,
        named: [String: any Checkpoint] = [:],
        relativeTo folder: String? = nil,
        requiringFinite requiresFinite: Bool = true
    ) throws(CollabError) {
        var builder = try PlanBuilder(document, seed: seed, shelf: ModelShelf(named: named, folder: folder))
        builder.requiresFinite = requiresFinite
        try builder.alignVocabularies()
        var parts: [any Checkpoint] = []
        var (workingByteCounts, scratchByteCounts): ([String: Int], [String: Int]) = ([:], [:])
        for (place, module) in document.modules.enumerated() {
            for index in module.slices.indices {
                let part = try builder.part(index, of: place)
                parts.append(part)
                for tensor in part.tensors where workingByteCounts[tensor.name] == nil {
                    let count = part.workingByteCount(of: tensor.name)
                    if count > 0 { workingByteCounts[tensor.name] = count }
                    let scratch = part.scratchByteCount(of: tensor.name)
                    if scratch > 0 { scratchByteCounts[tensor.name] = scratch }
                }
            }
        }
        self.workingByteCounts = workingByteCounts
        self.scratchByteCounts = scratchByteCounts
        buffers = builder.buffers.values.sorted { $0.name < $1.name }
        let donor = try builder.donor()
        vocabulary = builder.vocabulary
        let tokenizer = try builder.tokenizer()
        tokenizerFile = tokenizer.file
        tokenizerDonor = tokenizer.donor
        let name = document.name ?? document.method
        let result = StackedCheckpoint(name, parts: parts, specification: donor.specification)
        self.document = document
        self.seed = seed
        self.result = result
        self.donor = donor
        modules = try builder.modules()
        var inputs: [any Checkpoint] = []
        for model in document.models { inputs.append(try builder.shelf.checkpoint(model)) }
        self.inputs = inputs
        builder.noteFilters(among: [result] + inputs)
        builder.noteLargeMatrices()
        builder.noteMissingConfiguration(of: donor)
        builder.noteQuantisation(of: donor)
        warnings = builder.warnings
        builder.noteSettings(donor, tokenizerDonor)
        files = builder.shelf.files
        self.requiresFinite = requiresFinite
        chatTemplate = try builder.chatTemplate() ?? tokenizer.chatTemplate
        tensors = result.tensors.map { tensor in
            let stored = builder.formats[tensor.name] ?? .f16
            let format = document.outputFormat ?? document.format ?? stored
            return TensorDescription(name: tensor.name, shape: tensor.shape, format: format)
        }
        // Whoever runs the result in memory has all of its layers, too. With a vocabulary of its own it cannot be run before
        // it is written: the tokenizer is the donor's, whose size the engine then finds to be another.
        // Whether it can be described at all is known here in any case.
        let described = try describedResult()
        if tokenizerFile == nil { self.result = described }
    }
}
